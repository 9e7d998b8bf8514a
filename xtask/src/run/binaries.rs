//! Which test binaries cargo has built.

use std::path::PathBuf;

use anyhow::{Context, Result};
use cargo_metadata::{Message, Target, TargetKind};

use crate::workspace::Workspace;

/// A built test binary.
#[derive(Debug)]
pub(crate) struct Binary {
    /// `<package>/<binary>`, where the unit tests of a library are called `lib`.
    pub(crate) label: String,
    pub(crate) program: PathBuf,
    /// Its package's folder, where its tests expect to be started.
    pub(crate) folder: PathBuf,
    pub(crate) package: String,
}

/// Reads what cargo prints with `--message-format=json`.
pub(crate) fn parse(stdout: &str, workspace: &Workspace) -> Result<Vec<Binary>> {
    let mut binaries = Vec::new();
    for message in Message::parse_stream(stdout.as_bytes()) {
        let message = message.context("cannot read what cargo prints")?;
        let Message::CompilerArtifact(artifact) = message else {
            continue;
        };
        let (true, Some(program)) = (artifact.profile.test, artifact.executable) else {
            continue;
        };
        let package = &workspace.metadata[&artifact.package_id];
        let folder = package.manifest_path.parent();
        binaries.push(Binary {
            label: format!("{}/{}", package.name, name(&artifact.target)),
            program: program.into(),
            folder: folder.context("a manifest is in a folder")?.into(),
            package: package.name.to_string(),
        });
    }
    binaries.sort_by(|a, b| a.label.cmp(&b.label));
    Ok(binaries)
}

fn name(target: &Target) -> String {
    match target.kind.first() {
        Some(TargetKind::Test) => target.name.clone(),
        Some(kind @ (TargetKind::Bin | TargetKind::Example)) => format!("{kind}-{}", target.name),
        _ => "lib".to_owned(),
    }
}
