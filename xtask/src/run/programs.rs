//! `cargo xtask programs`: the programs of `ci/programs`, each built as its manifest says, and run in
//! every profile that it names. What they must print and how they must end stands there, too.

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::exec::{self, Finished};
use crate::report::{Report, Section};
use crate::target::instrumented::Build;
use crate::target::platform::Profile;
use crate::workspace::{self, Workspace};

/// From the root. The folder is a workspace of its own; one lock file serves all its programs.
const MANIFEST: &str = "ci/programs/Cargo.toml";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which of them; all without one
    names: Vec<String>,
}

/// `[package.metadata]` of a program.
#[derive(Deserialize)]
struct Extra {
    program: Program,
}

/// How a program is built, run and judged; `ci/programs/Cargo.toml` explains each line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Program {
    #[serde(default = "usual_profiles")]
    profiles: Vec<String>,
    architecture: Option<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    prints: String,
    complains: Option<String>,
    signal: Option<i32>,
}

fn usual_profiles() -> Vec<String> {
    ["dev", "release"].map(str::to_owned).into()
}

impl Program {
    /// What is wrong with a run, if anything is.
    fn complaint(&self, run: &Finished) -> Option<String> {
        // Cargo becomes the program it runs, and ends as that does.
        let ended_well = match self.signal {
            Some(signal) => run.status.signal() == Some(signal),
            None => run.success(),
        };
        let part = self.complains.as_deref().unwrap_or("");
        if !ended_well || run.timed_out.is_some() {
            Some(run.ending())
        } else if run.stdout != self.prints {
            Some("printed something else".to_owned())
        } else if !run.stderr.contains(part) {
            Some(format!("did not complain of {part:?}"))
        } else {
            None
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<bool> {
    let workspace = Workspace::read()?;
    let mut report = Report::new();
    report.section("programs of ci/", || section(&workspace, &args.names));
    Ok(report.finish())
}

/// Runs those with these names, or all.
pub(crate) fn section(workspace: &Workspace, names: &[String]) -> Result<Section> {
    let log = workspace.log("programs")?;
    let mut section = Section::new(log.clone());
    let packages = workspace::packages_of(&workspace::root().join(MANIFEST))?.packages;
    if let Some(unknown) = names
        .iter()
        .find(|name| !packages.iter().any(|it| it.name == **name))
    {
        bail!("ci/programs has no program {unknown}");
    }
    for package in packages {
        let Extra { program } = serde_json::from_value(package.metadata)
            .with_context(|| format!("{}: [package.metadata.program]", package.manifest_path))?;
        let wanted = names.is_empty() || names.contains(&package.name);
        let here = program.architecture.as_deref().unwrap_or(ARCH) == ARCH;
        let profiles = program.profiles.iter().filter(|_| wanted && here);
        for profile in profiles {
            let mut command = cargo(workspace, "run", &package.name, &program, profile, None);
            judge(&package.name, &program, profile, &mut command, &mut section)?;
        }
    }
    Ok(section)
}

/// Runs one of them, compiled for a sanitizer as tests are.
pub(crate) fn sanitized(workspace: &Workspace, name: &str, build: &Build) -> Result<Section> {
    let mut section = Section::new(workspace.log(&format!("{name}, as tests are"))?);
    let program = program(name)?;
    let mut command = cargo(workspace, "run", name, &program, "dev", Some(build));
    judge(name, &program, "dev", &mut command, &mut section)?;
    Ok(section)
}

/// Runs one of them, and counts how it went.
fn judge(
    name: &str,
    program: &Program,
    profile: &str,
    command: &mut Command,
    section: &mut Section,
) -> Result<()> {
    let log = section.log.as_deref().context("programs have a log")?;
    let run = exec::run(command, log, Duration::from_secs(10 * 60))?;
    match program.complaint(&run) {
        None => section.passed += 1,
        Some(complaint) => {
            section.failed += 1;
            println!("   {name}, {profile}: {complaint}");
            println!("{}{}", run.stdout, run.stderr);
        }
    }
    Ok(())
}

/// `cargo run` or `cargo build` of one of them, as its manifest says; or as a build for a sanitizer is done.
fn cargo(
    workspace: &Workspace,
    subcommand: &str,
    name: &str,
    program: &Program,
    profile: &str,
    build: Option<&Build>,
) -> Command {
    let mut command = build.map_or_else(workspace::host_cargo, Build::cargo);
    command
        .args([subcommand, "--quiet", "--locked"])
        .args(["--manifest-path", MANIFEST])
        .args(["--package", name, "--profile", profile])
        .envs(&program.env);
    match build {
        Some(build) => build.compile(&mut command, &workspace.target),
        None => {
            // With a target named, flags for the program are no flags for what builds it.
            command
                .arg(format!("--target={}", host_target()))
                .arg("--target-dir")
                .arg(workspace.target.join("programs"));
        }
    }
    command
}

fn host_target() -> String {
    format!("{ARCH}-unknown-linux-gnu")
}

/// What the manifest of one of them says.
fn program(name: &str) -> Result<Program> {
    let packages = workspace::packages_of(&workspace::root().join(MANIFEST))?.packages;
    let package = packages.into_iter().find(|it| it.name == name);
    let package = package.with_context(|| format!("ci/programs has no program {name}"))?;
    let Extra { program } = serde_json::from_value(package.metadata)?;
    Ok(program)
}

/// Builds one of them, and returns where it is.
pub(crate) fn build(
    workspace: &Workspace,
    name: &str,
    profile: Profile,
    log: &Path,
) -> Result<PathBuf> {
    let word = match profile {
        Profile::Debug => "dev",
        Profile::Release => "release",
    };
    let mut command = cargo(workspace, "build", name, &program(name)?, word, None);
    let finished = exec::run(&mut command, log, Duration::from_secs(10 * 60))?;
    if !finished.success() {
        bail!("{name} was not built: {}", finished.stderr.trim());
    }
    let folder = workspace.target.join("programs").join(host_target());
    Ok(folder.join(profile.name()).join(name))
}
