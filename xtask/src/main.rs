//! The chores of this workspace, as a program: `cargo xtask help`.

mod binaries;
mod ci;
mod cross;
mod exec;
mod expected;
mod host;
mod libtest;
mod peers;
mod pipeline;
mod platform;
mod record;
mod report;
mod setup;
mod skips;
mod suite;
mod table;
mod targets;
mod test;
mod test_target;
mod toolchain;
mod unsupported;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Tests and chores of this workspace.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_help_subcommand = false
)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Find or install what the tests need: compilers, C libraries, emulators
    Setup(setup::Args),
    /// Install what the tests need, then run them: format, lints, docs, tests, no_std, MIPS
    Test(test::Args),
    /// Run the tests of every library on MIPS, under an emulator
    TestMips(test_target::MipsArgs),
    /// Run the tests of every library on other targets, under emulators
    TestTarget(test_target::Args),
    /// Write what the last runs on targets found into the README's support table
    Table(table::Args),
    /// What every change must pass: the host's suite, then all targets
    Ci(ci::Args),
    /// Compare with other libraries (a package with its own lock file): arguments are passed on
    BenchPeers(peers::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// `Ok(false)` is a failure that has already been reported, in full, by the task itself.
fn run(task: Task) -> Result<bool> {
    match task {
        Task::Setup(args) => setup::run(&args),
        Task::Test(args) => test::run(&args),
        Task::TestMips(args) => test_target::run_mips(&args),
        Task::TestTarget(args) => test_target::run(&args),
        Task::Table(args) => table::run(&args),
        Task::Ci(args) => ci::run(&args),
        Task::BenchPeers(args) => peers::run(&args),
    }
}
