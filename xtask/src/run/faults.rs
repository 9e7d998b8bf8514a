//! `cargo xtask faults`: the program of `ci/programs/faults`, with what it says of each life. CI runs it as one
//! of the programs.

use anyhow::Result;

use crate::workspace::{self, Workspace};

/// Whether no fault did harm.
pub(crate) fn run() -> Result<bool> {
    let workspace = Workspace::read()?;
    let mut command = workspace::host_cargo();
    command
        .args([
            "run",
            "--quiet",
            "--locked",
            "--release",
            "--package",
            "faults",
        ])
        .args(["--manifest-path", "ci/programs/Cargo.toml"])
        .arg(format!(
            "--target={}-unknown-linux-gnu",
            std::env::consts::ARCH
        ))
        .arg("--target-dir")
        .arg(workspace.target.join("programs"));
    Ok(command.status()?.success())
}
