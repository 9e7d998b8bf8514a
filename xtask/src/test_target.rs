//! `cargo xtask test-target` and `test-mips`: the tests of every library crate on other targets, under an emulator.

use anyhow::Result;

use crate::report::record::LastRun;
use crate::report::support;
use crate::report::{self, Report, Section};
use crate::run::expected::Expected;
use crate::run::pipeline;
use crate::run::suite::Results;
use crate::target::cross;
use crate::target::platform::Profile;
use crate::target::setup::{self, Consent};
use crate::target::toolchain::Toolchain;
use crate::target::{self, Target};
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
    /// In which builds; and random tests do one part in so many of their work there.
    pub(crate) profiles: Vec<(Profile, u32)>,
    /// Libraries that are left out.
    pub(crate) without: &'static [&'static str],
    /// Whether doc tests run, too: once, in the last profile.
    pub(crate) docs: bool,
}

pub(crate) fn run(args: &Args) -> Result<bool> {
    if args.targets == ["list"] {
        list();
        return Ok(true);
    }
    let mut profiles = vec![Profile::Debug, Profile::Release];
    profiles.retain(|profile| match profile {
        Profile::Debug => !args.release,
        Profile::Release => !args.debug,
    });
    let targets = target::select(&args.targets)?;
    let toolchain = setup::ensure(&targets, args.consent)?;
    let profiles: Vec<_> = profiles.into_iter().map(|it| (it, args.divisor)).collect();
    let job = |target: &'static Target| Job {
        target,
        profiles: profiles.clone(),
        without: target.without,
        docs: true,
    };
    let jobs: Vec<_> = targets.into_iter().map(job).collect();
    let mut report = Report::new();
    sections(&Workspace::read()?, &toolchain, &jobs, None, &mut report)?;
    Ok(report.finish())
}

pub(crate) fn run_mips(args: &MipsArgs) -> Result<bool> {
    let triple = match (args.wide, args.little) {
        (false, false) => "mips-unknown-linux-gnu",
        (false, true) => "mipsel-unknown-linux-gnu",
        (true, false) => "mips64-unknown-linux-gnuabi64",
        (true, true) => "mips64el-unknown-linux-gnuabi64",
    };
    if args.cross {
        return cross::test(target::find(triple)?);
    }
    run(&Args {
        targets: vec![triple.to_owned()],
        debug: false,
        release: false,
        divisor: 1,
        consent: args.consent,
    })
}

/// Runs every job as sections of `report`, compared with the host's tests: with what `host` found, or with a list of them.
pub(crate) fn sections(
    workspace: &Workspace,
    toolchain: &Toolchain,
    jobs: &[Job],
    host: Option<Results>,
    report: &mut Report,
) -> Result<()> {
    let mut expected = None;
    report.section("the tests that targets must run", || {
        let found = match &host {
            Some(results) => Expected::of_run(workspace, results)?,
            None => Expected::list(workspace)?,
        };
        println!("   {} tests", found.compared(&[]).len());
        expected = Some(found);
        Ok(Section::default())
    });
    let Some(expected) = expected else {
        return Ok(());
    };
    let mut last = LastRun {
        host: format!("{}-unknown-linux-gnu", std::env::consts::ARCH),
        targets: pipeline::run(workspace, toolchain, jobs, &expected, report)?,
    };
    if let Some(results) = host {
        let found = expected.found(&[results.tests], &[]);
        last.targets.insert(last.host.clone(), found);
    }
    println!("\n{}", support::table(&last));
    if let Err(error) = last.keep(workspace) {
        println!("   {error:#}");
    }
    Ok(())
}

/// Shows all targets.
fn list() {
    let mut table = report::table(["target", "emulator", "C compiler", "tests", "stack probes"]);
    for target in target::ALL {
        let (linker, tests) = match target.runs() {
            true => (target.linker(), "run"),
            false => (String::new(), "builds, not run"),
        };
        let probes = if target.stack_probes() { "yes" } else { "no" };
        let emulator = target.qemu.join(" ");
        table.add_row([target.triple, &emulator, &linker, tests, probes]);
    }
    println!("{}", table.trim_fmt());
}
