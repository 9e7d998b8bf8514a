//! Building and running tests: the host's sections, targets in a pipeline, the programs of `ci/`.

mod binaries;
pub(crate) mod exec;
pub(crate) mod expected;
pub(crate) mod freestanding;
pub(crate) mod host;
pub(crate) mod libtest;
pub(crate) mod lists;
pub(crate) mod pipeline;
pub(crate) mod portable;
pub(crate) mod programs;
pub(crate) mod suite;

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

/// A log file for this run's section, emptied.
pub(crate) fn fresh(workspace: &Workspace, section: &str) -> Result<PathBuf> {
    emptied(workspace.log(section))
}

/// The same path, without what an earlier run has left there.
pub(crate) fn emptied(log: PathBuf) -> Result<PathBuf> {
    match std::fs::remove_file(&log) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            bail!("cannot empty {}: {error}", log.display())
        }
        _ => Ok(log),
    }
}
