//! `cargo xtask valgrind`: memcheck on tests of the libraries that are quick and see much: coroutines
//! from their first resume to their drop, panics, stacks from pools.

use std::process::Command;

use anyhow::Result;

use super::exec;
use super::libtest::{self, Outcome};
use super::suite::Suite;
use crate::report::{Report, Section};
use crate::target::platform::Profile;
use crate::target::setup::{self, Consent};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    consent: Consent,
}

/// The test binaries, and parts of the names of the tests that run; then of those that run in release only. Left out are
/// tests of how a process dies, which valgrind tells otherwise, of what the system counts (mappings, resident pages),
/// which are valgrind's too, random work, which takes it minutes, and those of `sure-context`, whose stacks are blocks of
/// the heap that are not registered.
const CHOSEN: [(&str, &[&str], &[&str]); 2] = [
    ("sure-stack/lib", &["valgrind::"], &[]),
    (
        "coro/it",
        &[
            "delegate::",
            "iter::",
            "lifecycle::",
            "nesting::",
            "panics::",
        ],
        &[
            "cancel::",
            "drops::",
            "future::",
            "movable::",
            "on_stack::",
            "scope::",
            "stream::",
            "threads::",
            "values::",
        ],
    ),
];

pub(crate) fn run(args: &Args) -> Result<bool> {
    setup::valgrind(args.consent)?;
    let workspace = Workspace::read()?;
    let mut report = Report::new();
    report.section("valgrind", || section(&workspace));
    Ok(report.finish())
}

/// In debug, and in release, where variables live in registers and values that were never written are others.
pub(crate) fn section(workspace: &Workspace) -> Result<Section> {
    let log = workspace.log("valgrind")?;
    let mut section = Section::new(log.clone());
    for profile in [Profile::Debug, Profile::Release] {
        let suite = Suite::of_host(workspace, profile, &format!("valgrind, {}", profile.name()))?;
        for binary in suite.build()? {
            let chosen = CHOSEN.iter().find(|(label, ..)| *label == binary.label);
            let Some((label, words, in_release)) = chosen else {
                continue;
            };
            let mut command = Command::new("valgrind");
            command
                .args(["--quiet", "--error-exitcode=99", "--run-libc-freeres=no"])
                .arg(&binary.program)
                .args(*words)
                .args(match profile {
                    Profile::Debug => &[],
                    Profile::Release => *in_release,
                })
                .current_dir(&binary.folder)
                .env("SURE_TEST_VALGRIND", "1")
                .env("SURE_TEST_DIVISOR", "100")
                .env("RUST_TEST_THREADS", "1")
                .env("RUST_BACKTRACE", "0");
            let run = exec::run(&mut command, &log, suite.platform.limit())?;
            let parsed = libtest::parse(&run.stdout);
            let passed = parsed.count(Outcome::Passed);
            section.passed += passed;
            println!("   {label}, {}: {passed} passed", profile.name());
            // No test at all is a name that has changed.
            if !run.success() || passed == 0 {
                section.failed += 1;
                println!("   {label}: {}\n{}{}", run.ending(), run.stdout, run.stderr);
            }
        }
    }
    Ok(section)
}
