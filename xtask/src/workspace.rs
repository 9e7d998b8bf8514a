//! What cargo knows about this workspace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand, Package};

/// The workspace, as `cargo metadata` describes it.
pub(crate) struct Workspace {
    pub(crate) metadata: Metadata,
    /// Cargo's own target folder.
    pub(crate) target: PathBuf,
}

impl Workspace {
    pub(crate) fn read() -> Result<Self> {
        let metadata = packages_of(&root().join("Cargo.toml"))?;
        let target = metadata.target_directory.clone().into();
        Ok(Self { metadata, target })
    }

    /// The crates that users depend on, and that are therefore tested on every target: those that
    /// may be published.
    pub(crate) fn libraries(&self) -> impl Iterator<Item = &Package> {
        let published =
            |package: &&Package| package.publish.as_ref().is_none_or(|to| !to.is_empty());
        self.metadata.packages.iter().filter(published)
    }

    /// Where cargo builds for another target. Each has its own, because cargo does only one thing at a time in a folder, and the
    /// next target is built while one is.
    pub(crate) fn build_folder(&self, triple: &str) -> PathBuf {
        self.target.join("xtask-targets").join(triple)
    }

    /// An empty file for the output of a section.
    pub(crate) fn log(&self, section: &str) -> Result<PathBuf> {
        let folder = self.target.join("xtask-logs");
        let log = folder.join(format!("{}.log", section.replace([' ', ',', '/'], "-")));
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&log, ""))
            .with_context(|| format!("cannot write {}", log.display()))?;
        Ok(log)
    }
}

/// The packages of a workspace, without their dependencies.
pub(crate) fn packages_of(manifest: &Path) -> Result<Metadata> {
    MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .with_context(|| format!("cannot read {}", manifest.display()))
}

/// The workspace's root folder.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The cargo that runs this program, started at the root.
pub(crate) fn host_cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}
