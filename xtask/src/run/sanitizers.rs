//! `cargo xtask asan`, `cargo xtask tsan`: the tests of the libraries, compiled for AddressSanitizer and for
//! ThreadSanitizer, and programs with a bug that each must report (`ci/programs`).
//!
//! How they are compiled is said in `crate::target::instrumented`.

use std::process::Command;

use anyhow::Result;

use super::expected;
use super::lists::Skips;
use super::programs;
use super::suite::Suite;
use crate::report::{Report, Section};
use crate::target::instrumented::Build;
use crate::target::platform::{Place, Platform, Profile};
use crate::workspace::Workspace;

/// A sanitizer, and how tests run under it.
pub(crate) struct Sanitizer {
    /// As in `-Zsanitizer`.
    pub(crate) name: &'static str,
    /// As in the names of its runtime, and in `ci/skipped-tests.txt`.
    pub(crate) short: &'static str,
    /// The variable with options of the runtime.
    variable: &'static str,
    options: &'static str,
    /// Whether the standard library has to be compiled for it, too.
    pub(crate) whole: bool,
    /// Random tests do one part in this many of their work.
    divisor: u32,
    /// The program of `ci/programs` whose bug it must report.
    program: &'static str,
}

/// Signals are left to the tests, which see how a process dies, and to `sure-stack`'s message.
macro_rules! signals_are_ours {
    ($($more:literal),*) => {
        concat!(
            "handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigill=0:handle_sigfpe=0:",
            "use_sigaltstack=0" $(, ":", $more)*
        )
    };
}

/// Leaks are not looked for: some tests leak on purpose, and suspended stacks are not searched.
pub(crate) static ADDRESS: Sanitizer = Sanitizer {
    name: "address",
    short: "asan",
    variable: "ASAN_OPTIONS",
    options: signals_are_ours!("detect_leaks=0", "detect_stack_use_after_return=1"),
    // What it checks, it checks at each access by itself.
    whole: false,
    divisor: 20,
    program: "address-sanitizer",
};

/// Forked children go on, which the runtime would not have with threads.
pub(crate) static THREAD: Sanitizer = Sanitizer {
    name: "thread",
    short: "tsan",
    variable: "TSAN_OPTIONS",
    options: signals_are_ours!("die_after_fork=0"),
    // Over its locks and channels, and over those of the test harness, threads meet: who does not see them sees races.
    whole: true,
    divisor: 50,
    program: "race-in-a-coroutine",
};

impl Sanitizer {
    /// Tells a program what its runtime reads.
    pub(crate) fn tell(&self, command: &mut Command) {
        command.env(self.variable, self.options);
    }
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// All random work
    #[arg(long)]
    full: bool,
}

pub(crate) fn run(sanitizer: &'static Sanitizer, args: &Args) -> Result<bool> {
    let workspace = Workspace::read()?;
    let mut report = Report::new();
    report.section(sanitizer.short, || {
        section(&workspace, sanitizer, args.full)
    });
    Ok(report.finish())
}

/// The tests of the libraries, but for those that `ci/skipped-tests.txt` names, and the program with the bug.
pub(crate) fn section(
    workspace: &Workspace,
    sanitizer: &'static Sanitizer,
    full: bool,
) -> Result<Section> {
    let log = workspace.log(sanitizer.short)?;
    let build = match Build::find(sanitizer) {
        Ok(build) => build,
        Err(missing) => {
            let note = format!("NOT RUN: {missing}");
            println!("   {note}");
            return Ok(Section {
                note,
                ..Section::new(log)
            });
        }
    };
    let mut suite = Suite {
        platform: Platform {
            workspace,
            place: Place::Sanitized(&build),
            divisor: if full { 1 } else { sanitizer.divisor },
            without: &[],
        },
        profile: Profile::Debug,
        log,
        prefix: String::new(),
        skipped: Default::default(),
    };
    let binaries = suite.build()?;
    let mut tests = suite.list_binaries(&binaries)?;
    suite.skipped = Skips::read()?.of(sanitizer.short, tests.keys());
    tests.retain(|test, _| !suite.skipped.contains(test));
    let results = suite.run(&binaries)?;
    let mut section = expected::judge(&tests, &suite, &results);
    section.note = format!("{} left out by name; {}", suite.skipped.len(), section.note);
    let reported = programs::sanitized(workspace, sanitizer.program, &build)?;
    section.passed += reported.passed;
    section.failed += reported.failed;
    Ok(section)
}
