//! `cargo xtask test` and `cargo xtask ci`: the host, then targets.

use anyhow::Result;

use crate::counts;
use crate::report::{self, Report, Section};
use crate::run::{
    foreign, freestanding, fuzz, gdb, host, mutants, portable, sanitizers, soak, supply, valgrind,
};
use crate::target::platform::Profile;
use crate::target::setup::{self, Consent};
use crate::target::{self, Target, unsupported};
use crate::test_target::{self, Job};
use crate::workspace::Workspace;

/// The host in debug and in release, and big-endian MIPS in release with all random work.
#[derive(clap::Args)]
pub(crate) struct TestArgs {
    /// Leave out the tests on MIPS
    #[arg(long)]
    host: bool,
    #[command(flatten)]
    consent: Consent,
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Every target in debug and in release, with all random work
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    consent: Consent,
}

/// What runs in the minutes that a change may take. Of MIPS it is the release build, because there
/// the compiler keeps values in registers across a switch, which is what can go wrong in a backend;
/// what debug builds check besides (arithmetic, assertions) is not MIPS's and fails on the host.
pub(crate) fn test(args: &TestArgs) -> Result<bool> {
    setup::host()?;
    // Before the long part, so that a question or a refusal comes at once.
    let target = &target::ALL[0];
    let toolchain = match args.host {
        true => None,
        false => Some(setup::ensure(&[target], args.consent)?),
    };
    let workspace = Workspace::read()?;
    let mut report = Report::new();
    let host = host::sections(&workspace, false, &mut report);
    if let Some(toolchain) = toolchain {
        let job = Job {
            target,
            profiles: vec![(Profile::Release, 1)],
            without: target.without,
            docs: true,
        };
        test_target::sections(&workspace, &toolchain, &[job], host, &mut report)?;
    }
    Ok(report.finish())
}

/// Libraries that forbid unsafe code. They are tested on the host and on MIPS, which has another
/// size of words and the other order of bytes; on every target by `--full`.
const WITHOUT_UNSAFE: &[&str] = &["fiber-vm"];

/// What every change must pass, on a machine with two cores, within an hour.
pub(crate) fn run(args: &Args) -> Result<bool> {
    setup::host()?;
    setup::valgrind(args.consent)?;
    gdb::ensure(args.consent);
    let job = |(number, target): (usize, &'static Target)| Job {
        target,
        profiles: match (args.full, target.ci_divisor) {
            (true, _) => vec![(Profile::Debug, 1), (Profile::Release, 1)],
            // There the compiler keeps values in registers across a switch, which is what can go wrong
            // in a backend.
            (_, divisor) => vec![(Profile::Release, divisor)],
        },
        without: match args.full || number == 0 {
            true => target.without,
            // What compiles without unsafe code for one machine does so for all.
            false => WITHOUT_UNSAFE,
        },
        // They show how the library is used, which is the same everywhere; `test` runs them on one of these targets.
        docs: args.full,
    };
    let jobs: Vec<_> = target::ALL.iter().enumerate().map(job).collect();
    let machines: Vec<_> = target::freestanding::ALL.iter().collect();
    target::freestanding::ensure(&machines, args.consent)?;
    if args.full {
        target::foreign::ensure(target::foreign::ALL, args.consent)?;
    }
    let toolchain = setup::ensure(&target::ALL.iter().collect::<Vec<_>>(), args.consent)?;
    let workspace = Workspace::read()?;
    let mut report = Report::new();
    let host = host::sections(&workspace, true, &mut report);
    report.section("the portable backend", || {
        portable::section(&workspace, host.as_ref())
    });
    report.section("freestanding", || {
        let levels = match args.full {
            true => freestanding::LEVELS,
            false => freestanding::HIGHEST,
        };
        freestanding::section(&workspace, &toolchain, &machines, levels)
    });
    report.section("instruction counts", || counts::section(&workspace));
    report.section("fuzz corpus", || fuzz::section(&workspace));
    report.section("soak", || soak::section(&workspace));
    report.section("supply", || supply::section(&workspace));
    report.section("valgrind", || valgrind::section(&workspace));
    report.section("asan", || {
        sanitizers::section(&workspace, &sanitizers::ADDRESS, args.full)
    });
    report.section("tsan", || {
        sanitizers::section(&workspace, &sanitizers::THREAD, args.full)
    });
    report.section("an unsupported target is refused", || {
        unsupported::section(&workspace, &toolchain)
    });
    if args.full {
        mutants::sections(&workspace, &mut report);
    }
    report.section("foreign systems", || {
        foreign::section(&workspace, &toolchain, args.full)
    });
    report.section("the README's support table", || {
        report::support::check()?;
        Ok(Section::default())
    });
    test_target::sections(&workspace, &toolchain, &jobs, host, &mut report)?;
    // After the tests of that target, which have built what it is made of.
    report.section("gdb", || {
        gdb::section(&workspace, &toolchain, &[&target::ALL[0]])
    });
    Ok(report.finish())
}
