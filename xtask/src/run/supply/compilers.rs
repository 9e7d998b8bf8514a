//! The oldest compiler. Every manifest names it, and it builds the libraries: either it is the compiler
//! that runs the rest of CI, or rustup has it here. Nothing is installed. Beyond that, clippy refuses
//! what the standard library has had for a shorter time (`clippy::incompatible_msrv`).

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use cargo_metadata::semver::Version;

use super::Findings;
use crate::run::exec;
use crate::target::toolchain;
use crate::workspace::{self, Workspace};

/// The workspaces whose packages name the compiler.
const MANIFESTS: [&str; 4] = [
    "Cargo.toml",
    "ci/freestanding/Cargo.toml",
    "ci/minimal-versions/Cargo.toml",
    "ci/programs/Cargo.toml",
];

pub(super) fn check(workspace: &Workspace, log: &Path, findings: &mut Findings) -> Result<()> {
    let oldest = toolchain::oldest();
    for manifest in MANIFESTS {
        for package in workspace::packages_of(&workspace::root().join(manifest))?.packages {
            findings.judge(package.rust_version.as_ref() == Some(&oldest), || {
                format!(
                    "{}: its rust-version is not {oldest}",
                    package.manifest_path
                )
            });
        }
    }

    let same = |version: &Version| (version.major, version.minor) == (oldest.major, oldest.minor);
    let output = workspace::host_cargo().arg("--version").output()?;
    let said = String::from_utf8(output.stdout)?;
    let number = said.split_whitespace().nth(1).context("cargo's version")?;
    if same(&Version::parse(number)?) {
        // The lints, the tests and the packages of this very run are its work.
        findings.good += 1;
        return Ok(());
    }
    let name = format!("{}.{}", oldest.major, oldest.minor);
    let here = toolchain::rustup_toolchains();
    let folder = here.iter().find(|path| {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        file.split('-')
            .next()
            .is_some_and(|it| it == name || it.starts_with(&format!("{name}.")))
    });
    let Some(folder) = folder else {
        let note = format!("NOT BUILT with Rust {name}: this is {number}, and no other is here");
        findings.notes.push(note);
        return Ok(());
    };
    let mut command = Command::new(folder.join("bin/cargo"));
    command
        .current_dir(workspace::root())
        .env("RUSTC", folder.join("bin/rustc"))
        .env_remove("RUSTUP_TOOLCHAIN")
        .args([
            "check",
            "--quiet",
            "--locked",
            "--all-features",
            "--target-dir",
        ])
        .arg(workspace.target.join("supply/oldest"));
    for library in workspace.libraries() {
        command.args(["--package", &library.name]);
    }
    let finished = exec::run(&mut command, log, Duration::from_secs(15 * 60))?;
    findings.judge(finished.success(), || {
        format!("with Rust {name}: {}", exec::complaints(&finished.stderr))
    });
    Ok(())
}
