//! The host's suite: format, lints, docs, tests in debug and in release, and the build without the standard library.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::exec::{self, BuildProgress};
use crate::libtest::Outcome;
use crate::platform::{Platform, Profile};
use crate::report::{Report, Section};
use crate::suite::{Results, Suite};
use crate::workspace::{self, Workspace};

/// The crates that also work without the standard library.
const NO_STD: [&str; 2] = ["sure-context", "coro"];

/// Runs every section, whatever the ones before it found. Returns what the tests found in debug, unless they could not be built.
pub(crate) fn sections(workspace: &Workspace, report: &mut Report) -> Option<Results> {
    let mut in_debug = None;
    report.section("format", || {
        check(workspace, "format", |cargo| {
            cargo.args(["fmt", "--all", "--check"]);
        })
    });
    report.section("clippy", || {
        check(workspace, "clippy", |cargo| {
            cargo.args([
                "clippy",
                "--keep-going",
                "--workspace",
                "--all-targets",
                "--all-features",
                "--",
                "-Dwarnings",
            ]);
        })
    });
    report.section("docs", || {
        check(workspace, "docs", |cargo| {
            cargo
                .args(["doc", "--workspace", "--no-deps", "--all-features"])
                .env("RUSTDOCFLAGS", "-Dwarnings");
        })
    });
    for profile in [Profile::Debug, Profile::Release] {
        let name = format!("tests, {}", profile.name());
        report.section(&name, || {
            let (section, results) = tests(workspace, profile, fresh(workspace, &name)?)?;
            if profile == Profile::Debug {
                in_debug = Some(results);
            }
            Ok(section)
        });
    }
    report.section("no_std", || {
        check(workspace, "no_std", |cargo| {
            cargo.args(["clippy", "--keep-going", "--no-default-features"]);
            cargo.args(
                NO_STD
                    .iter()
                    .filter(|name| workspace.has(name))
                    .flat_map(|name| ["--package", name]),
            );
            cargo.args(["--", "-Dwarnings"]);
        })
    });
    for profile in [Profile::Debug, Profile::Release] {
        let name = format!("no_std program, {}", profile.name());
        report.section(&name, || {
            let section = check(workspace, &name, |cargo| {
                cargo.args([
                    "run",
                    "--manifest-path",
                    "ci/no-std/Cargo.toml",
                    "--target-dir",
                ]);
                cargo.arg(workspace.target.join("no-std"));
                cargo.args((profile == Profile::Release).then_some("--release"));
            })?;
            Ok(Section {
                passed: 1 - section.failed,
                ..section
            })
        });
    }
    in_debug
}

/// A log file for this run's section, emptied.
pub(crate) fn fresh(workspace: &Workspace, section: &str) -> Result<PathBuf> {
    emptied(workspace.log(section))
}

/// The same path, without what an earlier run has left there.
pub(crate) fn emptied(log: PathBuf) -> Result<PathBuf> {
    match std::fs::remove_file(&log) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            bail!("cannot empty {}: {error}", log.display())
        }
        _ => Ok(log),
    }
}

/// A section that is one cargo command which passes or fails as a whole.
fn check(workspace: &Workspace, name: &str, words: impl FnOnce(&mut Command)) -> Result<Section> {
    let log = fresh(workspace, name)?;
    let mut command = workspace::host_cargo();
    words(&mut command);
    let mut progress = BuildProgress::new();
    let finished = exec::run(&mut command, &log, Duration::from_secs(45 * 60), |line| {
        progress.see(line)
    })?;
    drop(progress);
    if !finished.success() {
        println!("{}{}", finished.stdout, exec::complaints(&finished.stderr));
    }
    Ok(Section {
        failed: usize::from(!finished.success()),
        log: Some(log),
        ..Section::default()
    })
}

/// Builds and runs everything, doc tests included.
fn tests(workspace: &Workspace, profile: Profile, log: PathBuf) -> Result<(Section, Results)> {
    let suite = Suite {
        workspace,
        platform: &Platform::host(),
        profile,
        log,
        name: None,
    };
    let mut results = suite.run(&suite.build()?, |_| Vec::new())?;
    results.extend(suite.run_docs(|_| Vec::new())?);
    let ignored = results.count(Outcome::Ignored);
    let ignored = (ignored > 0).then(|| format!("{ignored} ignored"));
    let note = results
        .failed_names()
        .into_iter()
        .chain(ignored)
        .collect::<Vec<_>>()
        .join("; ");
    let section = Section {
        passed: results.count(Outcome::Passed),
        failed: results.failed(),
        note,
        log: Some(suite.log),
    };
    Ok((section, results))
}
