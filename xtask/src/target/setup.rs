//! `cargo xtask setup`: finds or installs what the tests need.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::target::toolchain::{DEBIAN_PACKAGES, Toolchain};
use crate::target::{self, Level, Target, freestanding};
use crate::workspace;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// For which targets, separated by commas; `all` for every one
    #[arg(long, value_delimiter = ',', default_value = "all")]
    targets: Vec<String>,
    /// Also install what benchmarks compare with
    #[arg(long)]
    bench: bool,
    #[command(flatten)]
    consent: Consent,
}

/// What others are compared with: programs and headers, and the Debian packages that hold them.
const RIVALS: [(&str, &str); 6] = [
    ("gforth-fast", "gforth"),
    ("lua5.4", "lua5.4"),
    ("go", "golang-go"),
    ("g++", "g++"),
    (
        "/usr/include/boost/context/fiber.hpp",
        "libboost-context-dev",
    ),
    (
        "/usr/include/boost/coroutine2/all.hpp",
        "libboost-coroutine-dev",
    ),
];

/// Whether packages may be installed without asking.
#[derive(Clone, Copy, clap::Args)]
pub(crate) struct Consent {
    /// Install what is missing without asking (so does CI=true)
    #[arg(long, short)]
    pub(crate) yes: bool,
}

impl Consent {
    fn given(self) -> bool {
        self.yes || std::env::var_os("CI").is_some_and(|value| value == "true")
    }
}

pub(crate) fn run(args: &Args) -> Result<bool> {
    host()?;
    valgrind(args.consent)?;
    ensure(&target::select(&args.targets)?, args.consent)?;
    freestanding::ensure(&freestanding::select(&args.targets)?, args.consent)?;
    if args.bench {
        let missing = RIVALS
            .iter()
            .filter(|(file, _)| find_program(file).is_none());
        let packages: Vec<_> = missing.map(|&(_, package)| package.to_owned()).collect();
        if !packages.is_empty() {
            install(&packages, args.consent)?;
        }
        fetch_peers()?;
        fetch_greenlet(args.consent)?;
    }
    println!("Everything is here.");
    Ok(true)
}

/// What the host's own tests need. A missing piece of the user's Rust installation is theirs to add: this says how.
pub(crate) fn host() -> Result<()> {
    for (tool, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        let found = workspace::host_cargo()
            .args([tool, "--version"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !found.is_ok_and(|status| status.success()) {
            bail!("`cargo {tool}` is missing; install it with: rustup component add {component}");
        }
    }
    if find_program("cc").is_none() {
        bail!(
            "no C compiler is here to link with; install one with: {}",
            apt_command(&["gcc", "libc6-dev"])
        );
    }
    Ok(())
}

/// What counts instructions.
pub(crate) fn valgrind(consent: Consent) -> Result<()> {
    match find_program("valgrind") {
        Some(_) => Ok(()),
        None => install(&["valgrind".to_owned()], consent),
    }
}

/// Sees to it that every one of `targets` can be built and run, installing Debian packages where that is allowed.
pub(crate) fn ensure(targets: &[&Target], consent: Consent) -> Result<Toolchain> {
    let packages = missing(targets);
    if !packages.is_empty() {
        install(&packages, consent)?;
        let still = missing(targets);
        if !still.is_empty() {
            bail!(
                "installed, and still not usable: {}; see what this says: apt-cache policy {}",
                still.join(", "),
                still.join(" ")
            );
        }
    }
    let toolchain =
        Toolchain::find().context("no compiler that can build the standard library was found")?;
    println!("The standard library is built by {}.", toolchain.name);
    Ok(toolchain)
}

/// The Debian packages that would bring what is not here yet. What counts is the tool, not the package: one that came in another
/// way is as good.
fn missing(targets: &[&Target]) -> Vec<String> {
    let mut packages = Vec::new();
    if Toolchain::find().is_none() {
        packages.extend(DEBIAN_PACKAGES.map(str::to_owned));
    }
    if !can_load("libsqlite3.so.0") {
        packages.push("libsqlite3-0".to_owned());
    }
    let runnable = targets.iter().filter(|target| target.level == Level::Run);
    for target in runnable {
        if find_program(&target.linker()).is_none() {
            packages.push(format!("gcc-{}", target.gnu));
        }
        if !Path::new(&target.sysroot()).join("lib/libc.so").exists() {
            packages.push(format!("libc6-dev-{}-cross", target.debian));
        }
        if find_program(target.qemu[0]).is_none() {
            packages.push("qemu-user".to_owned());
        }
    }
    packages.sort();
    packages.dedup();
    packages
}

/// Whether the host's loader knows a library, which tests of the host load when they run.
fn can_load(library: &str) -> bool {
    let known = Command::new("/sbin/ldconfig").arg("-p").output();
    known.is_ok_and(|known| String::from_utf8_lossy(&known.stdout).contains(library))
}

pub(crate) fn install(packages: &[String], consent: Consent) -> Result<()> {
    let command = apt_command(packages);
    let mut text = String::from("These Debian packages are missing:\n");
    for package in packages {
        writeln!(text, "    {package}")?;
    }
    print!("{text}");
    if packages
        .iter()
        .any(|package| DEBIAN_PACKAGES.contains(&package.as_str()))
    {
        println!(
            "(The compiler among them takes the place of Debian's `rustc` and `cargo`, never of rustup's. With a rustup nightly \
             it is not needed: rustup component add rust-src --toolchain nightly)"
        );
    }
    println!("To be run: {command}");
    if find_program("apt-get").is_none() {
        bail!(
            "this system has no apt-get: install the equivalents of the packages above with its own package manager"
        );
    }
    if std::fs::metadata("/proc/self").map_or(1, |process| process.uid()) != 0 {
        bail!("only root may install packages; as root, run: {command}");
    }
    if !consent.given() {
        if !std::io::stdin().is_terminal() {
            bail!("there is no terminal to ask on; add --yes to the command, or run: {command}");
        }
        print!("Install them now? [y/N] ");
        std::io::stdout().flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            bail!("nothing was installed; to do it yourself, run: {command}");
        }
    }
    let update = apt(&["update".to_owned()])?;
    let mut words = vec![
        "install".to_owned(),
        "--yes".to_owned(),
        "--no-install-recommends".to_owned(),
    ];
    words.extend_from_slice(packages);
    if !apt(&words)? {
        let reason = if update {
            ""
        } else {
            " (the package lists could not be updated either: is there a network?)"
        };
        bail!("apt-get could not install them{reason}; once it can, run: {command}");
    }
    Ok(())
}

fn apt(words: &[String]) -> Result<bool> {
    println!("   apt-get {} …", words[0]);
    let output = Command::new("apt-get")
        .args(words)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .context("cannot start apt-get")?;
    // apt-get update ends well even when it reached nothing; its warnings are all that tells.
    let complaints = String::from_utf8_lossy(&output.stderr);
    let unreachable = words[0] == "update" && complaints.contains("Failed to fetch");
    if !output.status.success() || unreachable {
        eprint!("{complaints}");
        return Ok(false);
    }
    Ok(true)
}

fn apt_command<S: AsRef<str>>(packages: &[S]) -> String {
    let packages: Vec<_> = packages.iter().map(AsRef::as_ref).collect();
    format!(
        "apt-get update && apt-get install --no-install-recommends {}",
        packages.join(" ")
    )
}

/// Looks a program up in `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

fn fetch_peers() -> Result<()> {
    let manifest = workspace::root().join("xtask/peers/Cargo.toml");
    if !manifest.is_file() {
        return Ok(());
    }
    let status = workspace::host_cargo()
        .args(["fetch", "--manifest-path"])
        .arg(manifest)
        .status()?;
    if !status.success() {
        bail!(
            "the libraries to compare with could not be fetched; with a network, run: cargo xtask setup --bench"
        );
    }
    Ok(())
}

/// Python's greenlet, in an environment of its own, because Debian's Python takes no others.
fn fetch_greenlet(consent: Consent) -> Result<()> {
    let folder = workspace::Workspace::read()?.target.join("peers-python");
    let here = |program: &str| folder.join("bin").join(program);
    let found = Command::new(here("python"))
        .args(["-c", "import greenlet"])
        .output();
    if found.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    let succeeded = |command: &mut Command| command.status().is_ok_and(|it| it.success());
    let make = || succeeded(Command::new("python3").args(["-m", "venv"]).arg(&folder));
    if !make() {
        install(&["python3-venv".to_owned()], consent)?;
    }
    let made = here("pip").is_file() || make();
    if !made || !succeeded(Command::new(here("pip")).args(["install", "--quiet", "greenlet"])) {
        bail!(
            "Python's greenlet could not be fetched into {}",
            folder.display()
        );
    }
    Ok(())
}
