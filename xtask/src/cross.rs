//! `cargo xtask test-mips --cross`: the same tests in a container, by the program `cross` and the images of `ci/`.
//!
//! The container is started only where everything it needs is known to be here. `cross` looks after toolchains by itself and some of
//! its versions reinstall them; the variables set below tell it to leave them alone, and nothing here calls rustup.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::exec::{self, BuildProgress};
use crate::host;
use crate::libtest::{self, Outcome};
use crate::platform::{Platform, Profile};
use crate::report::{Report, Section};
use crate::setup::find_program;
use crate::targets::Target;
use crate::toolchain;
use crate::workspace::{self, Workspace};

/// The first use builds an image.
const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);

pub(crate) fn run(target: &'static Target) -> Result<bool> {
    let engine = engine()?;
    let cross = find_program("cross").context(
        "the program `cross` is not here; install it with: cargo install cross --locked",
    )?;
    let Some(toolchain) = toolchain::rustup_nightly() else {
        bail!(
            "cross needs a rustup nightly with the standard library's sources; install it with: rustup toolchain install nightly \
             --component rust-src"
        );
    };
    let workspace = Workspace::read()?;
    let mut report = Report::new();
    for profile in [Profile::Debug, Profile::Release] {
        let name = format!("{} in a container, {}", target.triple, profile.name());
        report.section(&name, || {
            let mut command = Command::new(&cross);
            command
                .args(["test", "--target", target.triple, "--no-fail-fast"])
                .args((profile == Profile::Release).then_some("--release"))
                .args(Platform::library_selection(&workspace, &[]))
                .current_dir(workspace::root())
                .env("RUSTUP_TOOLCHAIN", &toolchain)
                .env("CROSS_CUSTOM_TOOLCHAIN", "1")
                .env("RUSTUP_AUTO_INSTALL", "0")
                .env("CROSS_CONTAINER_ENGINE", engine)
                .env("CARGO_TARGET_DIR", workspace.target.join("cross"));
            let log = host::fresh(&workspace, &name)?;
            let mut progress = BuildProgress::new();
            let finished = exec::run(&mut command, &log, LIMIT, |line| progress.see(line))?;
            drop(progress);
            let parsed = libtest::parse(&finished.stdout);
            let failed = parsed.count(Outcome::Failed);
            if !finished.success() {
                println!("{}\n{}", finished.stdout, finished.stderr);
            }
            let died = !finished.success() && failed == 0;
            Ok(Section {
                passed: parsed.count(Outcome::Passed),
                failed: failed + usize::from(died),
                note: String::new(),
                log: Some(log),
            })
        });
    }
    Ok(report.finish())
}

/// A container engine that answers. The client alone is not enough: it is often installed where no engine runs.
fn engine() -> Result<&'static str> {
    let answers = |name: &&str| {
        let status = Command::new(name)
            .arg("info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    };
    ["docker", "podman"].into_iter().find(answers).context(
        "no container engine answers here (tried `docker info` and `podman info`); start one, or use this machine's emulator: \
         cargo xtask test-mips",
    )
}
