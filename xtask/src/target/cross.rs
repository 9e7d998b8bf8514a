//! `cargo xtask test-mips --cross`: the same tests in a container, by the program `cross` and the images of `ci/`.
//!
//! The container is started only where everything it needs is known to be here. `cross` looks after toolchains by itself and some of
//! its versions reinstall them; the variables set below tell it to leave them alone, and nothing here calls rustup.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::Target;
use super::platform::{Place, Platform};
use super::setup::find_program;
use super::toolchain::Toolchain;
use crate::workspace::{self, Workspace};

/// In debug and in release. The first use builds an image.
pub(crate) fn test(target: &'static Target) -> Result<bool> {
    let engine = engine()?;
    let cross = find_program("cross").context(
        "the program `cross` is not here; install it with: cargo install cross --locked",
    )?;
    let toolchain = Toolchain::rustup().context(
        "cross needs a rustup nightly with the standard library's sources; install it with: \
         rustup toolchain install nightly --component rust-src",
    )?;
    let workspace = Workspace::read()?;
    let platform = Platform {
        workspace: &workspace,
        place: Place::Foreign(target, &toolchain),
        divisor: 1,
        without: &[],
    };
    let mut good = true;
    for profile in ["dev", "release"] {
        let status = Command::new(&cross)
            .args(["test", "--no-fail-fast"])
            .args(["--target", target.triple, "--profile", profile])
            .args(platform.selection())
            .current_dir(workspace::root())
            .env("RUSTUP_TOOLCHAIN", &toolchain.name)
            .env("CROSS_CUSTOM_TOOLCHAIN", "1")
            .env("RUSTUP_AUTO_INSTALL", "0")
            .env("CROSS_CONTAINER_ENGINE", engine)
            .env("CARGO_TARGET_DIR", workspace.target.join("cross"))
            .status()
            .context("cannot start cross")?;
        good &= status.success();
    }
    Ok(good)
}

/// A container engine that answers. The client alone is not enough: it is often installed where no engine runs.
fn engine() -> Result<&'static str> {
    let answers = |name: &&str| {
        let asked = Command::new(name).arg("info").stdin(Stdio::null()).output();
        asked.is_ok_and(|answer| answer.status.success())
    };
    ["docker", "podman"].into_iter().find(answers).context(
        "no container engine answers here (tried `docker info` and `podman info`); start one, or use this machine's emulator: \
         cargo xtask test-mips",
    )
}
