//! `cargo xtask asan`, `cargo xtask tsan`: the tests of the libraries, compiled for AddressSanitizer and for
//! ThreadSanitizer, and programs with a bug that each must report (`ci/programs`).
//!
//! The sanitizers are unstable, so the compiler has to be told that this is meant; their runtimes come with every
//! toolchain of rustup's. The standard library is as it comes, without them.

use std::env::consts::ARCH;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::expected;
use super::lists::Skips;
use super::programs;
use super::suite::Suite;
use crate::report::{Report, Section};
use crate::target::platform::{Place, Platform, Profile};
use crate::workspace::{self, Workspace};

/// A sanitizer, and how tests run under it.
pub(crate) struct Sanitizer {
    /// As in `-Zsanitizer`.
    pub(crate) name: &'static str,
    /// As in the names of its runtime, and in `ci/skipped-tests.txt`.
    pub(crate) short: &'static str,
    /// The variable with options of the runtime.
    variable: &'static str,
    options: &'static str,
    /// From the root: what it reports and is no fault.
    suppressions: Option<&'static str>,
    /// Random tests do one part in this many of their work.
    divisor: u32,
    /// Whether tests run one after the other, because the standard library's locks, over which they meet, are not seen.
    one_at_a_time: bool,
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
    suppressions: None,
    divisor: 20,
    one_at_a_time: false,
    program: "address-sanitizer",
};

/// Forked children go on, which the runtime would not have with threads.
pub(crate) static THREAD: Sanitizer = Sanitizer {
    name: "thread",
    short: "tsan",
    variable: "TSAN_OPTIONS",
    options: signals_are_ours!("die_after_fork=0"),
    suppressions: Some("ci/thread-sanitizer-suppressions.txt"),
    divisor: 50,
    one_at_a_time: true,
    program: "race-in-a-coroutine",
};

impl Sanitizer {
    /// Makes a cargo command compile for it.
    pub(crate) fn compile(&self, command: &mut Command, target: PathBuf) {
        let flags = format!(
            "-Zsanitizer={} -Cunsafe-allow-abi-mismatch=sanitizer",
            self.name
        );
        command
            // With a target named, flags for the tests are no flags for what builds them.
            .arg(format!("--target={ARCH}-unknown-linux-gnu"))
            .arg("--target-dir")
            .arg(target.join(self.short))
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", flags)
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only");
    }

    /// Tells a program what its runtime reads.
    pub(crate) fn tell(&self, command: &mut Command) {
        let mut options = self.options.to_owned();
        if let Some(file) = self.suppressions {
            options += &format!(":suppressions={}", workspace::root().join(file).display());
        }
        command.env(self.variable, options);
        if self.one_at_a_time {
            command.env("RUST_TEST_THREADS", "1");
        }
    }

    /// Whether the compiler has its runtime.
    fn is_here(&self) -> Result<bool> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let said = Command::new(rustc)
            .args(["--print", "target-libdir"])
            .current_dir(workspace::root())
            .output()
            .context("cannot start rustc")?;
        let folder = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        let runtime = format!("_rt.{}.a", self.short);
        let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut names = files.map(|file| file.file_name().to_string_lossy().into_owned());
        Ok(names.any(|name| name.ends_with(&runtime)))
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
    if !sanitizer.is_here()? {
        let note = format!(
            "NOT RUN: this compiler comes without the runtime of -Zsanitizer={}; a toolchain of rustup's has it",
            sanitizer.name
        );
        println!("   {note}");
        return Ok(Section {
            note,
            ..Section::new(log)
        });
    }
    let mut suite = Suite {
        platform: Platform {
            workspace,
            place: Place::Sanitized(sanitizer),
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
    let reported = programs::section(workspace, &[sanitizer.program.to_owned()])?;
    section.passed += reported.passed;
    section.failed += reported.failed;
    Ok(section)
}
