//! `cargo xtask test-target` and `test-mips`: the tests of every library crate on other targets, under an emulator.

use anyhow::Result;

use crate::cross;
use crate::expected::Expected;
use crate::host;
use crate::libtest::Outcome;
use crate::platform::{Platform, Profile};
use crate::record::Found;
use crate::report::{Report, Section, Table};
use crate::setup::{self, Consent};
use crate::skips;
use crate::suite::{Results, Suite};
use crate::table;
use crate::targets::{self, Level, Target};
use crate::toolchain::Toolchain;
use crate::workspace::Workspace;

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
    /// In a container, by the program `cross` and the images of `ci/`
    #[arg(long)]
    cross: bool,
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
    let target = targets::find(triple)?;
    if args.cross {
        return cross::run(target);
    }
    run_jobs(&[full(target)], args.consent)
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

/// Runs every job as sections of `report`. A run on all targets, whatever it found, is kept for the support table.
pub(crate) fn sections(
    workspace: &Workspace,
    toolchain: &Toolchain,
    jobs: &[Job],
    report: &mut Report,
) {
    let all = targets::ALL
        .iter()
        .all(|target| jobs.iter().any(|job| std::ptr::eq(job.target, target)));
    let mut expected = None;
    report.section("the host's list of tests", || {
        let found = Expected::of_host(workspace, all)?;
        println!("   {} tests", found.to_run().len());
        expected = Some(found);
        Ok(Section::default())
    });
    let Some(expected) = expected else { return };
    let mut last = expected.last_run();
    for job in jobs {
        let found = job_sections(workspace, toolchain, job, &expected, report);
        last.targets.insert(job.target.triple.to_owned(), found);
    }
    if all {
        match last.write() {
            Ok(()) => println!("\n{}", table::table(&last)),
            Err(error) => println!("   {error:#}"),
        }
    }
}

/// One target, one section for each profile.
fn job_sections(
    workspace: &Workspace,
    toolchain: &Toolchain,
    job: &Job,
    expected: &Expected,
    report: &mut Report,
) -> Found {
    let platform = Platform::target(job.target, toolchain, workspace, job.divisor);
    let mut runs = Vec::new();
    let mut built = true;
    for &profile in &job.profiles {
        let name = format!("{}, {}", job.target.triple, profile.name());
        built &= report.section(&name, || {
            let suite = Suite {
                workspace,
                platform: &platform,
                profile,
                log: host::fresh(workspace, &name)?,
            };
            if job.target.level == Level::Build {
                return build_only(&suite);
            }
            let results = run_tests(&suite, job.target, expected);
            runs.push(
                results
                    .as_ref()
                    .map(|(_, results)| results.tests.clone())
                    .unwrap_or_default(),
            );
            Ok(results?.0)
        });
    }
    match job.target.level {
        Level::Build if built => Found::Builds,
        Level::Build => Found::Broken,
        Level::Run => Found::sum(&runs, &expected.to_run()),
    }
}

fn run_tests(
    suite: &Suite<'_>,
    target: &Target,
    expected: &Expected,
) -> Result<(Section, Results)> {
    let skipped = expected.skipped_on(target);
    let binaries = suite.build()?;
    let results = suite.run(&binaries, |label| {
        let of_label =
            |test: &String| Some(test.strip_prefix(label)?.strip_prefix('/')?.to_owned());
        skipped.iter().filter_map(of_label).collect()
    })?;
    let differences = skips::differences(&expected.tests, &skipped, &results.tests);
    for difference in &differences {
        println!("   {difference}");
    }
    let passed = results.count(Outcome::Passed);
    let mut note = format!("{passed} of {} tests", expected.to_run().len());
    if !skipped.is_empty() {
        note += &format!(", {} skipped", skipped.len());
    }
    if !differences.is_empty() {
        note += &format!(", {} differ from the host", differences.len());
    }
    if let Some(failed) = results.failed_names() {
        note += &format!("; {failed}");
    }
    let failed = results.failed() + usize::from(!differences.is_empty());
    Ok((
        Section {
            passed,
            failed,
            note,
            log: Some(suite.log.clone()),
        },
        results,
    ))
}

/// Compiles the libraries down to machine code, which is as far as one gets without a C library to link with.
fn build_only(suite: &Suite<'_>) -> Result<Section> {
    let mut command = suite.platform.cargo("build", suite.profile);
    command
        .args(suite.platform.packages(suite.workspace))
        .arg("--lib");
    suite.cargo(&mut command)?;
    Ok(Section {
        note: "builds, not run".to_owned(),
        log: Some(suite.log.clone()),
        ..Section::default()
    })
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
