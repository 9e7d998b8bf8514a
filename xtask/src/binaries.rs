//! Which test binaries cargo has built.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::workspace::Workspace;

/// A built test binary.
#[derive(Clone, Debug)]
pub(crate) struct Binary {
    /// `<package>/<binary>`, where the unit tests of a library are called `lib`.
    pub(crate) label: String,
    pub(crate) program: PathBuf,
    /// Its package's folder, where its tests expect to be started.
    pub(crate) folder: PathBuf,
    pub(crate) package: String,
}

/// The messages of cargo's that matter here.
#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    target: Option<MessageTarget>,
    profile: Option<MessageProfile>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct MessageTarget {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct MessageProfile {
    test: bool,
}

/// Reads what cargo prints with `--message-format=json`.
pub(crate) fn parse(stdout: &str, workspace: &Workspace) -> Result<Vec<Binary>> {
    let mut binaries = Vec::new();
    for line in stdout.lines().filter(|line| line.starts_with('{')) {
        let message: Message =
            serde_json::from_str(line).context("cannot read what cargo prints")?;
        let Message {
            manifest_path: Some(manifest),
            target: Some(target),
            profile: Some(profile),
            executable,
            ..
        } = message
        else {
            continue;
        };
        let (true, true, Some(program)) = (
            message.reason == "compiler-artifact",
            profile.test,
            executable,
        ) else {
            continue;
        };
        let package = workspace
            .package_of(&manifest)
            .context("cargo built a test of an unknown package")?;
        binaries.push(Binary {
            label: format!("{}/{}", package.name, binary_name(&target)),
            program,
            folder: manifest.parent().unwrap_or(Path::new("/")).to_owned(),
            package: package.name.clone(),
        });
    }
    binaries.sort_by(|a, b| a.label.cmp(&b.label));
    Ok(binaries)
}

fn binary_name(target: &MessageTarget) -> String {
    match target.kind.first().map(String::as_str) {
        Some("test") => target.name.clone(),
        Some(kind @ ("bin" | "example")) => format!("{kind}-{}", target.name),
        _ => "lib".to_owned(),
    }
}
