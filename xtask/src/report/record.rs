//! What runs on targets found. Each run keeps its findings in the target folder, which is not checked in; `cargo xtask table` takes
//! them into `ci/last-run.json`, from which the README's support table is made. So no run of the tests changes a checked-in file.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::workspace::{self, Workspace};

/// Where it is kept, from the root.
pub(crate) const FILE: &str = "ci/last-run.json";

/// The last run on each target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastRun {
    /// The machine that ran it.
    pub(crate) host: String,
    /// By triple, the host included.
    pub(crate) targets: BTreeMap<String, Found>,
}

/// What was found on one target. No times: a file that is checked in should change only when the findings do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Found {
    /// The libraries were compiled, nothing was run.
    Builds,
    /// The compiler refused.
    Broken,
    /// The tests ran.
    Ran {
        /// Tests that passed in every profile they ran in.
        passed: usize,
        /// How many the host had then, those marked `#[ignore]` left out.
        of: usize,
        /// Whether the tests of these claims passed; see `ci/claims.txt`.
        unwinding: bool,
        backtrace: bool,
    },
}

impl LastRun {
    /// The file that is checked in.
    pub(crate) fn checked_in() -> PathBuf {
        workspace::root().join(FILE)
    }

    /// The file of this checkout's own runs.
    pub(crate) fn of_here(workspace: &Workspace) -> PathBuf {
        workspace.target.join("xtask-last-run.json")
    }

    /// Empty when there is no such file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            text => text.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let last = serde_json::from_str(&text);
        last.with_context(|| format!("cannot understand {}", path.display()))
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Takes newer findings, target by target.
    pub(crate) fn update(&mut self, newer: Self) {
        if !newer.host.is_empty() {
            self.host = newer.host;
        }
        self.targets.extend(newer.targets);
    }

    /// Keeps what was found beside what earlier runs of this checkout found on other targets.
    pub(crate) fn keep(self, workspace: &Workspace) -> Result<()> {
        let path = Self::of_here(workspace);
        let mut all = Self::read(&path)?;
        all.update(self);
        all.write(&path)
    }
}
