//! The chores of this workspace, as a program: `cargo xtask help`.

mod ci;
mod counts;
mod peers;
mod report;
mod run;
mod target;
mod test_target;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::report::support;
use crate::run::{
    faults, foreign, freestanding, fuzz, gdb, mutants, packages, programs, sanitizers, soak,
    supply, valgrind,
};
use crate::target::setup;

/// Tests and chores of this workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Find or install what the tests need: compilers, C libraries, emulators
    Setup(setup::Args),
    /// The host's tests in debug and in release, and those of MIPS; installs what they need
    Test(ci::TestArgs),
    /// Run the tests of every library on MIPS, under an emulator
    TestMips(test_target::MipsArgs),
    /// Run the tests of every library on other targets, under emulators
    TestTarget(test_target::Args),
    /// Run the tests of sure-context without any library of the system, at every optimisation level
    Freestanding(freestanding::Args),
    /// Compile every library, its tests and its examples for systems on which nothing runs here
    CheckForeign(foreign::Args),
    /// Build and run the programs of `ci/programs`
    Programs(programs::Args),
    /// Run every input of `fuzz/corpus` on its target
    FuzzReplay,
    /// Look for new ones, guided by coverage, with libFuzzer
    Fuzz(fuzz::Args),
    /// Everything at once on several threads, for minutes; nothing may be left over
    Soak(soak::Args),
    /// Fail every allocation and every system call once, through whole lives (one of the programs of CI)
    Faults,
    /// Break each function of the crates with unsafe code in turn; the tests have to notice: hours
    Mutants(mutants::Args),
    /// Licences, versions and number of dependencies, the oldest ones and the oldest compiler, the public API
    Supply(supply::Args),
    /// What gdb says of a program whose coroutines are stuck: a process, its core file, a target's emulator
    Gdb(gdb::Args),
    /// Build each library from what would be published
    Package,
    /// The libraries' tests under AddressSanitizer
    Asan(sanitizers::Args),
    /// The libraries' tests under ThreadSanitizer
    Tsan(sanitizers::Args),
    /// Quick tests of the libraries under memcheck
    Valgrind(valgrind::Args),
    /// Write what the last runs on targets found into the README's support table
    Table(support::Args),
    /// What every change must pass: the host's suite, then all targets
    Ci(ci::Args),
    /// Compare with other libraries (a package with its own lock file): arguments are passed on
    BenchPeers(peers::Args),
    /// Hold the instructions of a switch, a life, a step of the machine to their budget
    CountInstructions(counts::Args),
}

/// A task says `Ok(false)` when it has already reported its failure, in full.
fn main() -> ExitCode {
    let good = match Cli::parse().task {
        Task::Setup(args) => setup::run(&args),
        Task::Test(args) => ci::test(&args),
        Task::TestMips(args) => test_target::run_mips(&args),
        Task::TestTarget(args) => test_target::run(&args),
        Task::Freestanding(args) => freestanding::run(&args),
        Task::CheckForeign(args) => foreign::run(&args),
        Task::Programs(args) => programs::run(&args),
        Task::FuzzReplay => fuzz::replay(),
        Task::Fuzz(args) => fuzz::run(&args),
        Task::Soak(args) => soak::run(&args),
        Task::Faults => faults::run(),
        Task::Mutants(args) => mutants::run(&args),
        Task::Supply(args) => supply::run(&args),
        Task::Package => packages::run(),
        Task::Gdb(args) => gdb::run(&args),
        Task::Asan(args) => sanitizers::run(&sanitizers::ADDRESS, &args),
        Task::Valgrind(args) => valgrind::run(&args),
        Task::Tsan(args) => sanitizers::run(&sanitizers::THREAD, &args),
        Task::Table(args) => support::run(&args),
        Task::Ci(args) => ci::run(&args),
        Task::BenchPeers(args) => peers::run(&args),
        Task::CountInstructions(args) => counts::run(&args),
    };
    match good {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
