//! `cargo xtask check-foreign`: every library with its tests and examples, compiled for systems on which nothing runs here.
//!
//! Neither a linker nor a C library of theirs is needed, because nothing is linked. The standard library is checked too, once
//! for each target: it is kept in `target/xtask-foreign`, so that later runs take seconds.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};

use super::{exec, side_by_side};
use crate::report::{Report, Section};
use crate::target::foreign::{ALL, Foreign, ensure};
use crate::target::setup::{self, Consent};
use crate::target::toolchain::Toolchain;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rust's names for the targets; without any, those that every change is checked on; `all` for every one
    targets: Vec<String>,
    #[command(flatten)]
    consent: Consent,
}

pub(crate) fn run(args: &Args) -> Result<bool> {
    let targets = select(&args.targets)?;
    ensure(targets.iter().copied(), args.consent)?;
    let toolchain = setup::ensure(&[], args.consent)?;
    let workspace = Workspace::read()?;
    let mut report = Report::new();
    report.section("foreign systems", || {
        section_of(&workspace, &toolchain, &targets)
    });
    Ok(report.finish())
}

/// What CI checks: one machine of each system, or with `full` all of them.
pub(crate) fn section(workspace: &Workspace, toolchain: &Toolchain, full: bool) -> Result<Section> {
    let targets: Vec<_> = ALL.iter().filter(|target| full || target.always).collect();
    section_of(workspace, toolchain, &targets)
}

fn select(names: &[String]) -> Result<Vec<&'static Foreign>> {
    if names.is_empty() {
        return Ok(ALL.iter().filter(|target| target.always).collect());
    }
    if names.iter().any(|name| name == "all") {
        return Ok(ALL.iter().collect());
    }
    let mut found = Vec::new();
    for name in names {
        match ALL.iter().find(|target| target.triple == *name) {
            Some(target) => found.push(target),
            None => {
                let known: Vec<_> = ALL.iter().map(|target| target.triple).collect();
                bail!(
                    "{name} is none of the foreign targets: {}",
                    known.join(", ")
                );
            }
        }
    }
    Ok(found)
}

fn section_of(
    workspace: &Workspace,
    toolchain: &Toolchain,
    targets: &[&'static Foreign],
) -> Result<Section> {
    // Where the compiler has no linter of its own beside it, it alone says what it thinks.
    let note = match toolchain.clippy() {
        Some(_) => "cargo clippy",
        None => "cargo check",
    };
    let mut section = Section {
        note: note.to_owned(),
        ..Section::default()
    };
    let complaints = side_by_side::map(side_by_side::BUILDS, targets, |target| {
        let log = workspace.log(&format!("foreign {}", target.triple))?;
        let complaint = check(workspace, toolchain, target, &log)?;
        let said = complaint.as_deref().unwrap_or("compiles");
        println!("   {}: {said}", target.triple);
        anyhow::Ok(complaint)
    });
    for complaint in complaints {
        let good = complaint?.is_none();
        section.passed += usize::from(good);
        section.failed += usize::from(!good);
    }
    Ok(section)
}

/// Compiles everything for one target; returns what is wrong, if anything is.
fn check(
    workspace: &Workspace,
    toolchain: &Toolchain,
    target: &Foreign,
    log: &Path,
) -> Result<Option<String>> {
    let mut command = toolchain.cargo();
    command
        .args([
            "check",
            "-Zbuild-std",
            "--target",
            target.triple,
            "--keep-going",
        ])
        .args(["--all-targets", "--all-features", "--target-dir"])
        // Each has its own, because cargo does only one thing at a time in a folder.
        .arg(workspace.target.join("xtask-foreign").join(target.triple))
        .env("CARGO_INCREMENTAL", "0");
    if let Some(clippy) = toolchain.clippy() {
        // As `cargo clippy` does it; cargo might find the subcommand of another compiler.
        command.env("RUSTC_WORKSPACE_WRAPPER", clippy);
        if target.os == "android" || target.triple.ends_with("-windows-gnu") {
            // Thread-locals are made of the system's keys there, and this lint takes all of them for lazy ones.
            let allowed = "-Aclippy::missing_const_for_thread_local__CLIPPY_HACKERY__";
            command.env("CLIPPY_ARGS", allowed);
        }
    }
    let libraries = workspace.libraries().map(|package| package.name.as_str());
    // What tests use, and is no library of its own.
    for name in libraries.chain(["testing"]) {
        if !target.without().contains(&name) {
            command.args(["--package", name]);
        }
    }
    let finished = exec::run(&mut command, log, Duration::from_secs(20 * 60))?;
    if finished.timed_out.is_some() {
        return Ok(Some(finished.ending()));
    }
    Ok(complaint(finished.success(), &finished.stderr))
}

/// The first error or warning, with the place where it points to.
fn complaint(success: bool, stderr: &str) -> Option<String> {
    let mut lines = stderr.lines().skip_while(|line| {
        let about_all = line.contains("generated") || line.contains("could not compile");
        about_all || !(line.starts_with("error") || line.starts_with("warning"))
    });
    match (lines.next(), lines.next()) {
        (Some(first), place) => Some(format!(
            "{first} ({})",
            place.unwrap_or_default().trim().trim_start_matches("--> ")
        )),
        _ if !success => Some("cargo has failed".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{complaint, select};
    use crate::target::{Target, facts::System, foreign::ALL};

    #[test]
    fn the_first_complaint_is_told_with_its_place() {
        let stderr = "   Checking coro v0.1.0\nwarning: unused import\n --> crates/coro/a.rs:1:5\n\nerror: could not compile `coro`\n";
        let told = complaint(false, stderr).unwrap();
        assert_eq!(told, "warning: unused import (crates/coro/a.rs:1:5)");
        assert_eq!(complaint(true, "   Checking coro\n    Finished\n"), None);
        assert!(complaint(false, "").is_some());
    }

    #[test]
    fn every_system_is_one_that_stacks_come_from() {
        for target in ALL {
            let system = System::named(target.os);
            assert!(system.names.contains(&target.os), "{}", target.triple);
            assert_eq!(system.guard_signals.is_empty(), target.is_portable());
        }
    }

    #[test]
    fn none_is_run() {
        let runs = |triple| {
            crate::target::ALL
                .iter()
                .any(|ran: &Target| ran.triple == triple)
        };
        assert!(ALL.iter().all(|target| !runs(target.triple)));
        assert_eq!(select(&["all".to_owned()]).unwrap().len(), ALL.len());
        assert!(select(&["vax".to_owned()]).is_err());
    }
}
