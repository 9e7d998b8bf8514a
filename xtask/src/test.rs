//! `cargo xtask test`: everything a change must pass.

use anyhow::Result;

use crate::host;
use crate::report::Report;
use crate::setup::{self, Consent};
use crate::targets;
use crate::test_target;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out the tests on MIPS
    #[arg(long)]
    host: bool,
    #[command(flatten)]
    consent: Consent,
}

pub(crate) fn run(args: &Args) -> Result<bool> {
    setup::host()?;
    // Before the long part, so that a question or a refusal comes at once.
    let jobs = if args.host {
        Vec::new()
    } else {
        vec![test_target::full(targets::find("mips-unknown-linux-gnu")?)]
    };
    let toolchain = if args.host {
        None
    } else {
        Some(test_target::prepare(&jobs, args.consent)?)
    };
    let workspace = Workspace::read()?;
    let mut report = Report::new();
    let host = host::sections(&workspace, &mut report);
    if let Some(toolchain) = toolchain {
        test_target::sections(&workspace, &toolchain, &jobs, host, &mut report);
    }
    Ok(report.finish())
}
