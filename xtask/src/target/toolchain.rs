//! Finding a compiler that can build the standard library for another target (`-Zbuild-std`).
//!
//! Two are known: a rustup nightly with the component `rust-src`, and Debian's `rustc-web` with its sources, for machines that
//! reach Debian's packages but not rustup's downloads. Both are started by path, never through rustup's proxies: nothing here
//! can make rustup download or change anything.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest compiler that builds this workspace; `rust-version` in the root manifest.
const OLDEST: u32 = 95;

/// Debian's packages that make up such a compiler.
pub(crate) const DEBIAN_PACKAGES: [&str; 4] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "libstd-rust-web-dev",
];

/// A compiler, its cargo and the standard library's sources.
#[derive(Clone, Debug)]
pub(crate) struct Toolchain {
    /// For people: which one it is.
    pub(crate) name: String,
    bin: PathBuf,
    /// A compiler released as stable takes `-Z` options only when told that this is meant.
    bootstrap: bool,
}

impl Toolchain {
    /// The first one found, rustup's before Debian's.
    pub(crate) fn find() -> Option<Self> {
        Self::rustup().or_else(Self::debian)
    }

    fn rustup() -> Option<Self> {
        rustup_nightlies().into_iter().find_map(|path| {
            let name = format!("rustup's {}", path.file_name()?.to_string_lossy());
            Self::at(name, path.join("bin"), &path, false)
        })
    }

    fn debian() -> Option<Self> {
        Self::at(
            "Debian's rustc-web".to_owned(),
            "/usr/bin".into(),
            Path::new("/usr"),
            true,
        )
    }

    fn at(name: String, bin: PathBuf, sysroot: &Path, bootstrap: bool) -> Option<Self> {
        let sources = sysroot.join("lib/rustlib/src/rust/library/std/Cargo.toml");
        if !sources.is_file()
            || ["cargo", "rustdoc"]
                .iter()
                .any(|tool| !bin.join(tool).is_file())
        {
            return None;
        }
        let output = Command::new(bin.join("rustc"))
            .arg("--version")
            .output()
            .ok()?;
        let version = String::from_utf8(output.stdout).ok()?;
        (minor(&version)? >= OLDEST).then(|| Self {
            name: format!("{name} ({})", version.trim()),
            bin,
            bootstrap,
        })
    }

    /// Its cargo, told to use its own rustc and rustdoc (else the doc tests would look for rustup's) and freed from what this
    /// program's own cargo has put into the environment.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(self.bin.join("cargo"));
        command
            .env("RUSTC", self.bin.join("rustc"))
            .env("RUSTDOC", self.bin.join("rustdoc"));
        for name in [
            "RUSTUP_TOOLCHAIN",
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "RUSTDOCFLAGS",
            "LD_LIBRARY_PATH",
        ] {
            command.env_remove(name);
        }
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

/// The folders of rustup's nightlies, the best first.
fn rustup_nightlies() -> Vec<PathBuf> {
    let is_nightly = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("nightly"))
    };
    let toolchains = rustup_toolchains().into_iter();
    let mut nightlies: Vec<_> = toolchains.filter(is_nightly).collect();
    // `nightly-<host>` sorts after every dated `nightly-2026-…`: the one that is kept up to date comes first.
    nightlies.sort_by(|a, b| b.cmp(a));
    nightlies
}

/// The name of a rustup nightly that can build the standard library.
pub(crate) fn rustup_nightly() -> Option<String> {
    let usable =
        |path: &PathBuf| Toolchain::at(String::new(), path.join("bin"), path, false).is_some();
    let path = rustup_nightlies().into_iter().find(usable)?;
    Some(path.file_name()?.to_string_lossy().into_owned())
}

/// The 96 of `rustc 1.96.0 (…)`.
fn minor(version: &str) -> Option<u32> {
    version
        .strip_prefix("rustc 1.")?
        .split('.')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::minor;

    #[test]
    fn versions() {
        assert_eq!(
            minor("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)\n"),
            Some(96)
        );
        assert_eq!(minor("rustc 1.97.0-nightly (abc 2026-06-01)"), Some(97));
        assert_eq!(minor("clang 17"), None);
    }
}
