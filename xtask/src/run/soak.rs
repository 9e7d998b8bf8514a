//! `cargo xtask soak`: everything at once on several threads, after which nothing is left over (`fuzz/soak`); and, because such a
//! test must be able to fail, leaks on purpose, each of which it must find.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::{exec, fuzz};
use crate::report::{Report, Section};
use crate::workspace::{self, Workspace};

/// What is leaked, and what must be said about it.
const LEAKS: [(&str, &str); 4] = [
    ("bytes", "bytes of the allocator are left over"),
    ("coroutine", "stacks that are out are left over"),
    ("mapping", "mappings are left over"),
    ("resident", "resident memory grows"),
];

/// For how long CI has it run.
const SECONDS_IN_CI: u64 = 20;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// For how long
    #[arg(long, default_value_t = 10, conflicts_with = "seconds")]
    minutes: u64,
    /// The same in seconds
    #[arg(long)]
    seconds: Option<u64>,
    /// What a run has printed, to have the same again; as many threads
    #[arg(long)]
    seed: Option<u64>,
    /// How many threads there are
    #[arg(long, default_value_t = 4)]
    threads: u64,
}

pub(crate) fn run(args: &Args) -> Result<bool> {
    let workspace = Workspace::read()?;
    let mut report = Report::new();
    report.section("soak", || {
        soak(
            &workspace,
            args.seconds.unwrap_or(args.minutes * 60),
            args.threads,
            args.seed,
        )
    });
    Ok(report.finish())
}

/// What CI runs.
pub(crate) fn section(workspace: &Workspace) -> Result<Section> {
    soak(workspace, SECONDS_IN_CI, 4, None)
}

fn soak(workspace: &Workspace, seconds: u64, threads: u64, seed: Option<u64>) -> Result<Section> {
    let log = workspace.log("soak")?;
    let mut section = Section::new(log.clone());
    for (kind, words) in LEAKS {
        let mut command = program(workspace, 1, threads);
        command.args(["--leak", kind]);
        // The first one builds, too.
        let run = exec::run(&mut command, &log, Duration::from_secs(10 * 60))?;
        if !run.success() && run.stdout.contains(words) {
            section.passed += 1;
        } else {
            section.failed += 1;
            println!("   a leak of {kind} was not found: {}", run.ending());
            println!("{}{}", run.stdout, run.stderr);
        }
    }
    let mut command = program(workspace, seconds, threads);
    if let Some(seed) = seed {
        command.args(["--seed", &seed.to_string()]);
    }
    let limit = Duration::from_secs(seconds + 5 * 60);
    let run = exec::run(&mut command, &log, limit)?;
    print!("{}", indented(&run.stdout));
    if run.success() {
        section.passed += 1;
    } else {
        section.failed += 1;
        println!("   the soak test {}\n{}", run.ending(), run.stderr);
    }
    Ok(section)
}

fn program(workspace: &Workspace, seconds: u64, threads: u64) -> Command {
    let mut command = workspace::host_cargo();
    command
        .args(["run", "--quiet", "--locked", "--release"])
        .args(["--manifest-path", fuzz::MANIFEST, "--package", "soak"])
        .arg("--target-dir")
        .arg(fuzz::target_dir(workspace))
        .args(["--", "--seconds", &seconds.to_string()])
        .args(["--threads", &threads.to_string()]);
    command
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("   {line}\n")).collect()
}
