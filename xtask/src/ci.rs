//! `cargo xtask ci`: what every change must pass, on a machine with two cores, within an hour.

use anyhow::Result;

use crate::host;
use crate::platform::Profile;
use crate::report::{Report, Section};
use crate::setup::{self, Consent};
use crate::table;
use crate::targets;
use crate::test_target::{self, Job};
use crate::unsupported;
use crate::workspace::Workspace;

/// How much less random work is done on the targets that run in release only. Under emulation that work is what takes the time.
const DIVISOR: u32 = 20;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Every target in debug and in release, with all random work
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    consent: Consent,
}

pub(crate) fn run(args: &Args) -> Result<bool> {
    setup::host()?;
    let mut jobs = Vec::new();
    for (index, target) in targets::ALL.iter().enumerate() {
        // The first target is big-endian MIPS, which the README's test command runs in full.
        if !args.full && !target.in_ci {
            continue;
        }
        jobs.push(if args.full || index == 0 {
            test_target::full(target)
        } else {
            Job {
                target,
                profiles: vec![Profile::Release],
                divisor: DIVISOR,
            }
        });
    }
    let toolchain = test_target::prepare(&jobs, args.consent)?;
    let workspace = Workspace::read()?;
    let mut report = Report::new();
    let host = host::sections(&workspace, &mut report);
    report.section("an unsupported target is refused", || {
        unsupported::section(&workspace, &toolchain)
    });
    report.section("the README's support table", || {
        table::check()?;
        Ok(Section::default())
    });
    test_target::sections(&workspace, &toolchain, &jobs, host, &mut report);
    Ok(report.finish())
}
