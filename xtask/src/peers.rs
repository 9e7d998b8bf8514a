//! `cargo xtask bench-peers`: the comparison with other libraries.
//!
//! It is a package of its own with its own lock file, so that nothing it compares with is ever part of this workspace.

use anyhow::{Context, Result, bail};

use crate::workspace::{self, Workspace};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Passed on to the comparison
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<bool> {
    let manifest = workspace::root().join("xtask/peers/Cargo.toml");
    if !manifest.is_file() {
        bail!(
            "{} is missing: this checkout has no comparison with other libraries",
            manifest.display()
        );
    }
    let target = Workspace::read()?.target.join("peers");
    let status = workspace::host_cargo()
        .args(["run", "--release", "--manifest-path"])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(target)
        .arg("--")
        .args(&args.rest)
        .status()
        .context("cannot start cargo")?;
    Ok(status.success())
}
