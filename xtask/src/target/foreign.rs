//! Systems on which nothing is run here: the crates, their tests and their examples are compiled
//! for them, as far as `cargo check` goes. That is what the page "Where it runs" says of them.

use anyhow::Result;

use super::setup::{self, Consent};

/// One such target.
#[derive(Debug)]
pub(crate) struct Foreign {
    /// Rust's name for it.
    pub(crate) triple: &'static str,
    /// Its system, as people call it.
    pub(crate) system: &'static str,
    /// What `cfg(target_os)` says there.
    pub(crate) os: &'static str,
    /// What `cfg(target_arch)` says there.
    pub(crate) arch: &'static str,
    /// Whether every change is checked on it, or only those that run `ci --full`.
    pub(crate) always: bool,
}

const fn foreign(
    triple: &'static str,
    system: &'static str,
    os: &'static str,
    arch: &'static str,
) -> Foreign {
    Foreign {
        triple,
        system,
        os,
        arch,
        always: true,
    }
}

/// A further machine of a system that is checked on another one always.
const fn further(
    triple: &'static str,
    system: &'static str,
    os: &'static str,
    arch: &'static str,
) -> Foreign {
    Foreign {
        always: false,
        ..foreign(triple, system, os, arch)
    }
}

/// Every one, in the order in which they are shown.
#[rustfmt::skip]
pub(crate) static ALL: &[Foreign] = &[
    foreign("aarch64-apple-darwin", "macOS", "macos", "aarch64"),
    further("x86_64-apple-darwin", "macOS", "macos", "x86_64"),
    foreign("x86_64-pc-windows-msvc", "Windows", "windows", "x86_64"),
    further("aarch64-pc-windows-msvc", "Windows", "windows", "aarch64"),
    further("x86_64-pc-windows-gnu", "Windows", "windows", "x86_64"),
    foreign("x86_64-unknown-freebsd", "FreeBSD", "freebsd", "x86_64"),
    foreign("aarch64-linux-android", "Android", "android", "aarch64"),
    foreign("x86_64-unknown-linux-musl", "Linux with musl", "linux", "x86_64"),
];

/// Sees to it that what the compiler needs beside itself is here, installing Debian packages where that is
/// allowed: for Windows with GNU's tools, the one that makes the libraries by which functions are imported.
pub(crate) fn ensure<'a>(
    targets: impl IntoIterator<Item = &'a Foreign>,
    consent: Consent,
) -> Result<()> {
    let gnu = targets
        .into_iter()
        .filter(|target| target.triple.ends_with("-windows-gnu"));
    let needs = gnu.map(|Foreign { arch, .. }| {
        let package = arch.replace('_', "-");
        (
            format!("{arch}-w64-mingw32-dlltool"),
            format!("binutils-mingw-w64-{package}"),
        )
    });
    setup::install(setup::lacking(needs), consent)
}

impl Foreign {
    /// Whether executions are threads of the system there: `sure-context` has no switch of its own.
    pub(crate) fn is_portable(&self) -> bool {
        self.os == "windows"
    }

    /// The libraries that it cannot have, because they say so themselves.
    pub(crate) fn without(&self) -> &'static [&'static str] {
        match self.is_portable() {
            // It copies frames, which are on threads there.
            true => &["coro-dynamic"],
            false => &[],
        }
    }
}
