//! `cargo xtask setup`: finds or installs what the tests need.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::peers;
use crate::target::toolchain::{DEBIAN_PACKAGES, Toolchain};
use crate::target::{self, Target, foreign, freestanding};
use crate::workspace::{self, Workspace};

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
    debuggers(args.consent)?;
    ensure(&target::select(&args.targets)?, args.consent)?;
    freestanding::ensure(&freestanding::select(&args.targets)?, args.consent)?;
    foreign::ensure(foreign::ALL, args.consent)?;
    if args.bench {
        install(lacking(RIVALS), args.consent)?;
        fetch_peers()?;
        fetch_greenlet(args.consent)?;
    }
    println!("Everything is here.");
    Ok(true)
}

/// What the host's own tests need. A missing piece of the user's Rust installation is theirs to add: this says how.
pub(crate) fn host() -> Result<()> {
    for (tool, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        let found = workspace::host_cargo().args([tool, "--version"]).output();
        if !found.is_ok_and(|output| output.status.success()) {
            bail!("`cargo {tool}` is missing; install it with: rustup component add {component}");
        }
    }
    if find_program("cc").is_none() {
        bail!(
            "no C compiler is here to link with; install one with: {}",
            apt_command("gcc libc6-dev")
        );
    }
    Ok(())
}

/// What counts instructions.
pub(crate) fn valgrind(consent: Consent) -> Result<()> {
    install(lacking([("valgrind", "valgrind")]), consent)
}

/// What looks at programs that hang.
pub(crate) fn debuggers(consent: Consent) -> Result<()> {
    let debuggers = [("gdb", "gdb"), ("gdb-multiarch", "gdb-multiarch")];
    install(lacking(debuggers), consent)
}

/// Sees to it that every one of `targets` can be built and run, installing Debian packages where that is allowed.
pub(crate) fn ensure(targets: &[&Target], consent: Consent) -> Result<Toolchain> {
    install(missing(targets), consent)?;
    let still = missing(targets).join(" ");
    if !still.is_empty() {
        bail!(
            "installed, and still not usable: {still}; see what this says: apt-cache policy {still}"
        );
    }
    let toolchain =
        Toolchain::find().context("no compiler that can build the standard library was found")?;
    let Toolchain { name, version, .. } = &toolchain;
    println!("The standard library is built by {name} ({version}).");
    Ok(toolchain)
}

/// The Debian packages that would bring what is not here yet.
fn missing(targets: &[&Target]) -> Vec<String> {
    let runnable = targets.iter().filter(|target| target.runs());
    let needs = runnable.flat_map(|target| {
        let libc = format!("{}/lib/libc.so", target.sysroot());
        [
            (target.linker(), format!("gcc-{}", target.gnu)),
            (libc, format!("libc6-dev-{}-cross", target.debian)),
            (target.qemu[0].to_owned(), "qemu-user".to_owned()),
        ]
    });
    let mut packages = lacking(needs);
    if Toolchain::find().is_none() {
        packages.extend(DEBIAN_PACKAGES.map(str::to_owned));
    }
    if !can_load("libsqlite3.so.0") {
        packages.push("libsqlite3-0".to_owned());
    }
    packages
}

/// Whether the host's loader knows a library, which tests of the host load when they run.
fn can_load(library: &str) -> bool {
    let known = Command::new("/sbin/ldconfig").arg("-p").output();
    known.is_ok_and(|known| String::from_utf8_lossy(&known.stdout).contains(library))
}

/// The packages of those programs, or other files, that are not here. What counts is the program: one that came in another way
/// is as good.
pub(crate) fn lacking<S: Into<String>>(needs: impl IntoIterator<Item = (S, S)>) -> Vec<String> {
    let needs = needs.into_iter();
    let missing = needs.filter_map(|(program, package)| match find_program(&program.into()) {
        Some(_) => None,
        None => Some(package.into()),
    });
    missing.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Installs packages, if there are any, and if that is allowed.
pub(crate) fn install(packages: Vec<String>, consent: Consent) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let command = apt_command(&packages.join(" "));
    println!(
        "These Debian packages are missing:\n    {}",
        packages.join("\n    ")
    );
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
    // Without lists of today those of before may do.
    let _ = apt("update --error-on=any", &[])?;
    if !apt("install --yes --no-install-recommends", &packages)? {
        bail!("apt-get could not install them; once it can, run: {command}");
    }
    Ok(())
}

/// Whether it ends well; else it says why.
fn apt(words: &str, packages: &[String]) -> Result<bool> {
    println!("   apt-get {words} …");
    let output = Command::new("apt-get")
        .args(words.split(' '))
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .context("cannot start apt-get")?;
    if !output.status.success() {
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.status.success())
}

fn apt_command(packages: &str) -> String {
    format!("apt-get update && apt-get install --no-install-recommends {packages}")
}

/// Looks a program up in `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

fn fetch_peers() -> Result<()> {
    let mut command = workspace::host_cargo();
    command.args(["fetch", "--manifest-path", peers::MANIFEST]);
    if !command.status()?.success() {
        bail!(
            "the libraries to compare with could not be fetched; with a network, run: cargo xtask setup --bench"
        );
    }
    Ok(())
}

/// Python's greenlet, in an environment of its own, because Debian's Python takes no others.
fn fetch_greenlet(consent: Consent) -> Result<()> {
    let folder = Workspace::read()?.target.join("peers-python");
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
        install(vec!["python3-venv".to_owned()], consent)?;
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
