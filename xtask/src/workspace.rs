//! What cargo knows about this workspace.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
}

/// One package of the workspace.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
    /// The registries it may be published to; none of them when it never is.
    publish: Option<Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Package {
    /// Its folder as seen from the root: how the names of its doc tests begin.
    pub(crate) fn relative_folder(&self) -> &Path {
        let folder = self.manifest_path.parent().unwrap_or(&self.manifest_path);
        folder.strip_prefix(root()).unwrap_or(folder)
    }
}

/// The workspace, as `cargo metadata` describes it.
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
    /// Cargo's own target folder.
    pub(crate) target: PathBuf,
}

impl Workspace {
    pub(crate) fn read() -> Result<Self> {
        let output = host_cargo()
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .output()
            .context("cannot start cargo")?;
        if !output.status.success() {
            bail!(
                "cargo metadata failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        let metadata: Metadata = serde_json::from_slice(&output.stdout)
            .context("cannot read what cargo metadata prints")?;
        Ok(Self {
            packages: metadata.packages,
            target: metadata.target_directory,
        })
    }

    /// The crates that users depend on, and that are therefore tested on every target: those in `crates/` that are published.
    pub(crate) fn libraries(&self) -> Vec<&Package> {
        let crates = root().join("crates");
        let published = |package: &&Package| {
            package
                .publish
                .as_ref()
                .is_none_or(|registries| !registries.is_empty())
        };
        let here = |package: &&Package| {
            package.manifest_path.starts_with(&crates) && package.name != "benches"
        };
        self.packages
            .iter()
            .filter(published)
            .filter(here)
            .collect()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.packages.iter().any(|package| package.name == name)
    }

    /// Names of the integration tests of the libraries.
    pub(crate) fn integration_tests(&self) -> BTreeSet<String> {
        self.libraries()
            .iter()
            .flat_map(|package| &package.targets)
            .filter(|target| target.kind.iter().any(|kind| kind == "test"))
            .map(|target| target.name.clone())
            .collect()
    }

    pub(crate) fn package_of(&self, manifest: &Path) -> Option<&Package> {
        self.packages
            .iter()
            .find(|package| package.manifest_path == manifest)
    }

    /// Where the output of a section is kept.
    pub(crate) fn log(&self, section: &str) -> PathBuf {
        self.target
            .join("xtask-logs")
            .join(format!("{}.log", section.replace([' ', ',', '/'], "-")))
    }
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
