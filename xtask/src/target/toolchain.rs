//! Finding a compiler that can build the standard library for another target (`-Zbuild-std`).
//!
//! Two are known: a rustup nightly with the component `rust-src`, and Debian's `rustc-web` with its sources, for machines that
//! reach Debian's packages but not rustup's downloads. Both are started by path, never through rustup's proxies: nothing here
//! can make rustup download or change anything.

use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::semver::Version;

/// The oldest compiler that builds this workspace, as its manifests name it.
pub(crate) fn oldest() -> Version {
    Version::parse(concat!(env!("CARGO_PKG_RUST_VERSION"), ".0"))
        .expect("a manifest's rust-version is two numbers")
}

/// Debian's packages that make up such a compiler.
pub(crate) const DEBIAN_PACKAGES: [&str; 5] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "libstd-rust-web-dev",
    "rust-web-clippy",
];

/// A compiler, its cargo and the standard library's sources.
#[derive(Debug)]
pub(crate) struct Toolchain {
    /// Rustup's name for it, or Debian's.
    pub(crate) name: String,
    /// What its rustc says of itself.
    pub(crate) version: String,
    bin: PathBuf,
    /// A compiler released as stable takes `-Z` options only when told that this is meant.
    bootstrap: bool,
}

impl Toolchain {
    /// The first one found, rustup's before Debian's.
    pub(crate) fn find() -> Option<Self> {
        Self::rustup().or_else(Self::debian)
    }

    /// A rustup nightly.
    pub(crate) fn rustup() -> Option<Self> {
        let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
        let mut nightlies = rustup_toolchains();
        nightlies.retain(|path| name(path).is_some_and(|name| name.starts_with("nightly")));
        // `nightly-<host>` sorts after every dated `nightly-2026-…`: the one that is kept up to date comes first.
        nightlies.sort_by(|a, b| b.cmp(a));
        nightlies
            .iter()
            .find_map(|path| Self::at(name(path)?, path, false))
    }

    fn debian() -> Option<Self> {
        Self::at("Debian's rustc-web".to_owned(), Path::new("/usr"), true)
    }

    fn at(name: String, sysroot: &Path, bootstrap: bool) -> Option<Self> {
        let parts = [
            "lib/rustlib/src/rust/library/std/Cargo.toml",
            "bin/cargo",
            "bin/rustdoc",
        ];
        if !parts.iter().all(|part| sysroot.join(part).is_file()) {
            return None;
        }
        let bin = sysroot.join("bin");
        let rustc = Command::new(bin.join("rustc")).arg("--version").output();
        // For example `rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)`.
        let version = String::from_utf8(rustc.ok()?.stdout).ok()?;
        let number = Version::parse(version.split_whitespace().nth(1)?).ok()?;
        (number >= oldest()).then(|| Self {
            name,
            version: version.trim().to_owned(),
            bin,
            bootstrap,
        })
    }

    pub(crate) fn rustc(&self) -> PathBuf {
        self.bin.join("rustc")
    }

    /// Its linter, if it has one: that of another compiler cannot read what this one has built.
    pub(crate) fn clippy(&self) -> Option<PathBuf> {
        Some(self.bin.join("clippy-driver")).filter(|driver| driver.is_file())
    }

    /// Its cargo, told to use its own rustc and rustdoc (else the doc tests would look for rustup's) and freed from what this
    /// program's own cargo has put into the environment.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(self.bin.join("cargo"));
        command
            .env("RUSTC", self.rustc())
            .env("RUSTDOC", self.bin.join("rustdoc"))
            .env_remove("RUSTUP_TOOLCHAIN")
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env_remove("RUSTDOCFLAGS")
            .env_remove("LD_LIBRARY_PATH");
        if self.bootstrap {
            command.env("RUSTC_BOOTSTRAP", "1");
        }
        command.current_dir(crate::workspace::root());
        command
    }
}

/// The folders of rustup's toolchains. Rustup itself is not asked: it might answer by installing something.
pub(crate) fn rustup_toolchains() -> Vec<PathBuf> {
    let home = std::env::var_os("RUSTUP_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".rustup")));
    let entries = home.and_then(|home| std::fs::read_dir(home.join("toolchains")).ok());
    let entries = entries.into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}
