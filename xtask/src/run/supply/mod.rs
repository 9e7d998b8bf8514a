//! `cargo xtask supply`: what the published crates bring along, what they promise to compile with, and
//! what they offer. The network is needed once, for packages that no build on this host has needed yet.

mod api;
mod compilers;
mod minimal;
mod policy;

use std::path::Path;

use anyhow::Result;

use crate::report::{Report, Section};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Make the public API as it is now the one that is checked in
    #[arg(long)]
    update: bool,
}

/// What the checks of this folder found.
#[derive(Default)]
struct Findings {
    good: usize,
    /// A sentence for each thing that is wrong.
    complaints: Vec<String>,
    /// What could not be judged here, and why.
    notes: Vec<String>,
}

impl Findings {
    /// Counts one thing that was looked at: right, or wrong with a sentence that says why.
    fn judge(&mut self, good: bool, complaint: impl FnOnce() -> String) {
        match good {
            true => self.good += 1,
            false => self.complaints.push(complaint()),
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<bool> {
    let workspace = Workspace::read()?;
    if args.update {
        api::update(&workspace, &workspace.log("supply")?)?;
    }
    let mut report = Report::new();
    report.section("supply", || section(&workspace));
    Ok(report.finish())
}

/// One of the checks; what is wrong goes to the findings, and an error is what kept it from looking.
type Check = fn(&Workspace, &Path, &mut Findings) -> Result<()>;

/// All checks, whatever those before have found.
pub(crate) fn section(workspace: &Workspace) -> Result<Section> {
    let log = workspace.log("supply")?;
    let mut findings = Findings::default();
    let checks: [Check; 4] = [policy::check, minimal::check, compilers::check, api::check];
    for check in checks {
        if let Err(error) = check(workspace, &log, &mut findings) {
            findings.complaints.push(format!("{error:#}"));
        }
    }
    let Findings {
        good,
        complaints,
        notes,
    } = findings;
    for line in complaints.iter().chain(&notes) {
        println!("   {line}");
    }
    Ok(Section {
        passed: good,
        failed: complaints.len(),
        note: notes.join("; "),
        log: Some(log),
    })
}
