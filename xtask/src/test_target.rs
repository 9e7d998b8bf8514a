//! `cargo xtask test-target` and `test-mips`: the tests of every library crate on other targets, under an emulator.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::host;
use crate::libtest::Outcome;
use crate::platform::{Platform, Profile};
use crate::report::{Report, Section, Table};
use crate::setup::{self, Consent};
use crate::skips::{self, Skips};
use crate::suite::{Binary, Suite};
use crate::targets::{self, Level, Target};
use crate::toolchain::Toolchain;
use crate::workspace::{COMPILE_FAIL, Workspace};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Triples; `all` for every one, `list` to show them
    #[arg(required = true, value_name = "TRIPLE")]
    targets: Vec<String>,
    /// Only in debug
    #[arg(long, conflicts_with = "release")]
    debug: bool,
    /// Only in release
    #[arg(long)]
    release: bool,
    /// Let random tests do one part in this many of their work
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    divisor: u32,
    #[command(flatten)]
    consent: Consent,
}

#[derive(clap::Args)]
pub(crate) struct MipsArgs {
    /// Little endian
    #[arg(long)]
    little: bool,
    /// 64 bits
    #[arg(long = "64")]
    wide: bool,
    #[command(flatten)]
    consent: Consent,
}

/// What to run on one target.
pub(crate) struct Job {
    pub(crate) target: &'static Target,
    pub(crate) profiles: Vec<Profile>,
    /// Random tests do one part in this many of their work.
    pub(crate) divisor: u32,
}

pub(crate) fn run(args: &Args) -> Result<bool> {
    if args.targets == ["list"] {
        print!("{}", list());
        return Ok(true);
    }
    let profiles = match (args.debug, args.release) {
        (true, _) => vec![Profile::Debug],
        (_, true) => vec![Profile::Release],
        _ => vec![Profile::Debug, Profile::Release],
    };
    let job = |target| Job {
        target,
        profiles: profiles.clone(),
        divisor: args.divisor,
    };
    let jobs: Vec<_> = targets::select(&args.targets)?
        .into_iter()
        .map(job)
        .collect();
    run_jobs(&jobs, args.consent)
}

pub(crate) fn run_mips(args: &MipsArgs) -> Result<bool> {
    let triple = match (args.wide, args.little) {
        (false, false) => "mips-unknown-linux-gnu",
        (false, true) => "mipsel-unknown-linux-gnu",
        (true, false) => "mips64-unknown-linux-gnuabi64",
        (true, true) => "mips64el-unknown-linux-gnuabi64",
    };
    run_jobs(&[full(targets::find(triple)?)], args.consent)
}

/// Everything, in debug and in release.
pub(crate) fn full(target: &'static Target) -> Job {
    Job {
        target,
        profiles: vec![Profile::Debug, Profile::Release],
        divisor: 1,
    }
}

fn run_jobs(jobs: &[Job], consent: Consent) -> Result<bool> {
    let toolchain = prepare(jobs, consent)?;
    let workspace = Workspace::read()?;
    let mut report = Report::new();
    sections(&workspace, &toolchain, jobs, &mut report);
    Ok(report.finish())
}

/// Installs what the jobs need.
pub(crate) fn prepare(jobs: &[Job], consent: Consent) -> Result<Toolchain> {
    setup::ensure(
        &jobs.iter().map(|job| job.target).collect::<Vec<_>>(),
        consent,
    )
}

/// Runs every job as sections of `report`.
pub(crate) fn sections(
    workspace: &Workspace,
    toolchain: &Toolchain,
    jobs: &[Job],
    report: &mut Report,
) {
    let mut expected = None;
    let listed = report.section("the host's list of tests", || {
        let tests = host_tests(workspace)?;
        let skips = Skips::read()?;
        skips.check(targets::ALL, &tests)?;
        println!("   {} tests", tests.len());
        expected = Some((tests, skips));
        Ok(Section::default())
    });
    let Some((tests, skips)) = expected.filter(|_| listed) else {
        return;
    };
    for job in jobs {
        for &profile in &job.profiles {
            let name = format!("{}, {}", job.target.triple, profile.name());
            let platform = Platform::target(job.target, toolchain, workspace, job.divisor);
            report.section(&name, || {
                let suite = Suite {
                    workspace,
                    platform: &platform,
                    profile,
                    log: host::fresh(workspace, &name)?,
                };
                match job.target.level {
                    Level::Run => run_tests(&suite, &tests, &skips.of(job.target, tests.keys())),
                    Level::Build => build_only(&suite),
                }
            });
        }
    }
}

fn run_tests(
    suite: &Suite<'_>,
    tests: &BTreeMap<String, bool>,
    skipped: &BTreeSet<String>,
) -> Result<Section> {
    let binaries = suite.build()?;
    let results = suite.run(&binaries, |label| {
        let of_label =
            |test: &String| Some(test.strip_prefix(label)?.strip_prefix('/')?.to_owned());
        skipped.iter().filter_map(of_label).collect()
    })?;
    let differences = skips::differences(tests, skipped, &results.tests);
    for difference in &differences {
        println!("   {difference}");
    }
    let mut note = format!(
        "{} of {} tests",
        results.count(Outcome::Passed),
        tests.len()
    );
    if !skipped.is_empty() {
        note += &format!(", {} skipped", skipped.len());
    }
    if let Some(failed) = results.failed_names() {
        note += &format!("; {failed}");
    }
    if !differences.is_empty() {
        note += &format!(", {} differ from the host", differences.len());
    }
    Ok(Section {
        passed: results.count(Outcome::Passed),
        failed: results.failed() + usize::from(!differences.is_empty()),
        note,
        log: Some(suite.log.clone()),
    })
}

/// Compiles the libraries down to machine code, which is as far as one gets without a C library to link with.
fn build_only(suite: &Suite<'_>) -> Result<Section> {
    let mut command = suite.platform.cargo("build", suite.profile);
    command
        .args(suite.platform.doc_selection(suite.workspace))
        .arg("--lib");
    suite.cargo(&mut command)?;
    Ok(Section {
        note: "builds, not run".to_owned(),
        log: Some(suite.log.clone()),
        ..Section::default()
    })
}

/// Every test of the libraries that is expected on every target, and whether it is marked `#[ignore]`.
fn host_tests(workspace: &Workspace) -> Result<BTreeMap<String, bool>> {
    let platform = Platform::host();
    let log: PathBuf = host::fresh(workspace, "the host's list of tests")?;
    let suite = Suite {
        workspace,
        platform: &platform,
        profile: Profile::Debug,
        log,
    };
    let libraries = workspace.libraries();
    let portable = |binary: &Binary| {
        libraries.iter().any(|package| {
            let binary = binary
                .label
                .strip_prefix(&package.name)
                .and_then(|rest| rest.strip_prefix('/'));
            binary.is_some_and(|binary| binary != COMPILE_FAIL)
        })
    };
    let binaries: Vec<_> = suite.build()?.into_iter().filter(portable).collect();
    let mut tests = suite.list(&binaries)?;
    let folders: Vec<_> = libraries
        .iter()
        .map(|package| format!("doc/{}/", package.relative_folder().display()))
        .collect();
    tests.retain(|test, _| {
        !test.starts_with("doc/") || folders.iter().any(|folder| test.starts_with(folder))
    });
    if tests.is_empty() {
        bail!("the libraries have no tests to run on a target");
    }
    Ok(tests)
}

fn list() -> String {
    let mut table = Table::new(&["target", "emulator", "C compiler", "tests", "stack probes"]);
    for target in targets::ALL {
        let (linker, level) = match target.level {
            Level::Run => (target.linker(), "run"),
            Level::Build => (String::new(), "builds, not run"),
        };
        let probes = if target.stack_probes { "yes" } else { "no" };
        table.row(
            [
                target.triple,
                &target.qemu.join(" "),
                &linker,
                level,
                probes,
            ]
            .map(str::to_owned),
        );
    }
    table.text()
}
