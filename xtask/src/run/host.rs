//! The host's sections: format, lints, docs, tests in debug and in release, what must build without
//! the standard library, benchmarks, packages.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::exec;
use super::libtest::Outcome;
use super::packages;
use super::programs;
use super::suite::{Results, Suite};
use crate::report::{Report, Section};
use crate::target::platform::Profile;
use crate::workspace::{self, Workspace};

/// Sections that are one cargo command each, which passes or fails as a whole, and its words.
const LINTS: [(&str, &str); 4] = [
    ("format", "fmt --all --check"),
    (
        "clippy",
        "clippy --keep-going --workspace --all-targets --all-features -- -Dwarnings",
    ),
    ("docs", "doc --workspace --no-deps --all-features"),
    (
        "no_std",
        "clippy --keep-going --no-default-features --package sure-context --package coro -- -Dwarnings",
    ),
];

/// The same, for what takes minutes and is wrong least often: `cargo xtask ci` only. The benchmarks
/// run once each, in the profile whose dependencies the tests have built already; criterion's word is
/// handed on by cargo to all that it takes for a benchmark.
const BENCHMARKS: (&str, &str) = (
    "benchmarks, once each",
    "bench --workspace --all-features --profile release -- --test",
);

/// Runs every section, whatever the ones before it found. Returns what the tests found in debug,
/// unless they could not be built.
pub(crate) fn sections(
    workspace: &Workspace,
    thorough: bool,
    report: &mut Report,
) -> Option<Results> {
    let mut in_debug = None;
    for (name, words) in LINTS {
        report.section(name, || check(workspace, name, words));
    }
    for profile in [Profile::Debug, Profile::Release] {
        let name = format!("tests, {}", profile.name());
        report.section(&name, || {
            let (section, results) = tests(workspace, profile, &name)?;
            if profile == Profile::Debug {
                in_debug = Some(results);
            }
            Ok(section)
        });
    }
    report.section("programs of ci/", || programs::section(workspace, &[]));
    if thorough {
        let (name, words) = BENCHMARKS;
        report.section(name, || check(workspace, name, words));
        report.section("packages", || packages::section(workspace));
    }
    in_debug
}

/// A section that is one cargo command.
fn check(workspace: &Workspace, name: &str, words: &str) -> Result<Section> {
    let log = workspace.log(name)?;
    let mut command = workspace::host_cargo();
    command
        .args(words.split_whitespace())
        .env("RUSTDOCFLAGS", "-Dwarnings");
    pass_or_fail(&mut command, log)
}

/// What comes of a cargo command that is a section by itself; what it complains of is shown.
pub(super) fn pass_or_fail(command: &mut Command, log: PathBuf) -> Result<Section> {
    let finished = exec::run(command, &log, Duration::from_secs(45 * 60))?;
    if !finished.success() {
        println!("{}{}", finished.stdout, exec::complaints(&finished.stderr));
    }
    Ok(Section {
        failed: usize::from(!finished.success()),
        ..Section::new(log)
    })
}

/// Builds and runs everything, doc tests included.
fn tests(workspace: &Workspace, profile: Profile, name: &str) -> Result<(Section, Results)> {
    let suite = Suite::of_host(workspace, profile, name)?;
    let mut results = suite.run(&suite.build()?)?;
    // What rustdoc compiles is not optimised, whatever the library it is linked with.
    if profile == Profile::Debug {
        results.extend(suite.run_docs()?);
    }
    let ignored = results.count(Outcome::Ignored);
    let ignored = (ignored > 0).then(|| format!("{ignored} ignored"));
    let note = results.failed_names().into_iter().chain(ignored);
    let section = Section {
        passed: results.count(Outcome::Passed),
        failed: results.failed(),
        note: note.collect::<Vec<_>>().join("; "),
        log: Some(suite.log),
    };
    Ok((section, results))
}
