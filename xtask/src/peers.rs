//! `cargo xtask bench-peers`: the comparison with other libraries.
//!
//! It is a package of its own with its own lock file, so that nothing it compares with is ever part of this workspace.

use anyhow::{Context, Result};

use crate::workspace::{self, Workspace};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Passed on to the comparison
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// From the root, where cargo is started.
pub(crate) const MANIFEST: &str = "xtask/peers/Cargo.toml";

pub(crate) fn run(args: &Args) -> Result<bool> {
    let status = workspace::host_cargo()
        .args(["run", "--release", "--manifest-path", MANIFEST])
        .arg("--target-dir")
        .arg(Workspace::read()?.target.join("peers"))
        .arg("--")
        .args(&args.rest)
        .status()
        .context("cannot start cargo")?;
    Ok(status.success())
}
