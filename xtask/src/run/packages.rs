//! `cargo xtask package`: each library is built from what would be published, with the others as they would be published.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::host;
use crate::report::{Report, Section};
use crate::workspace::{self, Workspace};

pub(crate) fn run() -> Result<bool> {
    let workspace = Workspace::read()?;
    let mut report = Report::new();
    report.section("packages", || section(&workspace));
    Ok(report.finish())
}

/// Cargo takes a package that it has unpacked or compiled once for unchangeable: it would verify an older package of the same
/// version, if this workspace was once packaged in the same place. So every run begins with an empty target directory, and
/// with a home of cargo that is the user's but for what is unpacked there.
pub(crate) fn section(workspace: &Workspace) -> Result<Section> {
    let log = workspace.log("packages")?;
    let target = workspace.target.join("packages");
    let home = target.join("cargo-home");
    let users = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let users = users.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let users =
        users.context("neither CARGO_HOME nor HOME says where cargo keeps what it has loaded")?;
    clear(&target)
        .and_then(|()| make_home(&home, &users))
        .with_context(|| format!("cannot make {}", home.display()))?;

    let mut command = workspace::host_cargo();
    command
        .args("package --all-features --allow-dirty --offline".split(' '))
        .arg("--target-dir")
        .arg(&target)
        .env("CARGO_HOME", &home);
    for library in workspace.libraries() {
        command.args(["--package", library.name.as_str()]);
    }
    host::pass_or_fail(&mut command, log)
}

fn clear(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes `home` a home of cargo in which nothing is unpacked, and everything else is that of `users`.
fn make_home(home: &Path, users: &Path) -> io::Result<()> {
    let registry = Path::new("registry");
    fs::create_dir_all(home.join(registry))?;
    link_all_but("registry", users, home)?;
    link_all_but("src", &users.join(registry), &home.join(registry))
}

fn link_all_but(left_out: &str, from: &Path, to: &Path) -> io::Result<()> {
    for entry in from.read_dir()? {
        let name = entry?.file_name();
        if name != left_out {
            symlink(from.join(&name), to.join(&name))?;
        }
    }
    Ok(())
}
