//! The targets of the freestanding programs (`ci/freestanding`): what each needs, and how it is run.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::setup::{self, Consent};
use super::toolchain;

/// A target, and the program that runs programs for it.
#[derive(Debug)]
pub(crate) struct Machine {
    /// What it is called here: the triple, or that and what is special.
    pub(crate) name: &'static str,
    pub(crate) triple: &'static str,
    /// The emulator and its own arguments; empty for the host.
    pub(crate) qemu: &'static [&'static str],
    /// GNU's name for it, where LLVM's linker does not know it and GNU's has to link.
    gnu: Option<&'static str>,
    /// Whether it lets indirect jumps reach landing pads only. Then a program without ours must be stopped.
    pub(crate) landing_pads: bool,
    /// Further words for rustc.
    pub(crate) flags: &'static str,
    /// The optimisation level at which `core` is built, for the programs of all levels.
    pub(crate) core_level: u8,
    /// The levels at which LLVM can build the programs.
    pub(crate) levels: &'static [u8],
}

/// What most targets are: an emulator, and LLVM's linker.
const fn emulated(triple: &'static str, qemu: &'static [&'static str]) -> Machine {
    Machine {
        name: triple,
        triple,
        qemu,
        gnu: None,
        landing_pads: false,
        flags: "",
        core_level: 0,
        levels: &[0, 1, 2, 3],
    }
}

/// The host, and those that `test-target` knows.
#[rustfmt::skip]
pub(crate) static ALL: &[Machine] = &[
    emulated("x86_64-unknown-linux-gnu", &[]),
    emulated("mips-unknown-linux-gnu", &["qemu-mips"]),
    emulated("mipsel-unknown-linux-gnu", &["qemu-mipsel"]),
    emulated("mips64-unknown-linux-gnuabi64", &["qemu-mips64"]),
    emulated("mips64el-unknown-linux-gnuabi64", &["qemu-mips64el"]),
    Machine {
        // LLVM ends in "Unsupported instruction" at the others.
        core_level: 2,
        levels: &[0, 2, 3],
        ..emulated("mipsisa32r6-unknown-linux-gnu", &["qemu-mips", "-cpu", "mips32r6-generic"])
    },
    emulated("i686-unknown-linux-gnu", &["qemu-i386"]),
    emulated("aarch64-unknown-linux-gnu", &["qemu-aarch64"]),
    emulated("armv7-unknown-linux-gnueabihf", &["qemu-arm"]),
    emulated("thumbv7neon-unknown-linux-gnueabihf", &["qemu-arm"]),
    emulated("riscv64gc-unknown-linux-gnu", &["qemu-riscv64"]),
    emulated("riscv32gc-unknown-linux-gnu", &["qemu-riscv32"]),
    emulated("powerpc64le-unknown-linux-gnu", &["qemu-ppc64le"]),
    Machine {
        gnu: Some("powerpc64-linux-gnu"),
        ..emulated("powerpc64-unknown-linux-gnu", &["qemu-ppc64"])
    },
    emulated("powerpc-unknown-linux-gnu", &["qemu-ppc"]),
    emulated("s390x-unknown-linux-gnu", &["qemu-s390x"]),
    Machine {
        gnu: Some("sparc64-linux-gnu"),
        ..emulated("sparc64-unknown-linux-gnu", &["qemu-sparc64"])
    },
    Machine {
        // The emulator of Debian 12 has no vectors, which the target has by default.
        flags: "-Ctarget-feature=-lsx",
        ..emulated("loongarch64-unknown-linux-gnu", &["qemu-loongarch64"])
    },
    Machine {
        // A processor that lets indirect jumps reach landing pads only, and checks signed return addresses.
        name: "aarch64-unknown-linux-gnu+bti",
        landing_pads: true,
        flags: "-Zbranch-protection=bti,pac-ret -Clink-arg=-zforce-bti",
        ..emulated("aarch64-unknown-linux-gnu", &["qemu-aarch64", "-cpu", "max"])
    },
];

/// Finds targets by name; `all` is every one.
pub(crate) fn select(names: &[String]) -> Result<Vec<&'static Machine>> {
    if names.iter().any(|name| name == "all") {
        return Ok(ALL.iter().collect());
    }
    let find = |name: &String| {
        let known: Vec<_> = ALL.iter().map(|machine| machine.name).collect();
        ALL.iter()
            .find(|machine| machine.name == name)
            .with_context(|| {
                format!(
                    "no target is called `{name}` here; there are: {}",
                    known.join(", ")
                )
            })
    };
    names.iter().map(find).collect()
}

/// Sees to it that programs for `machines` can be linked and run, installing Debian packages where
/// that is allowed.
pub(crate) fn ensure(machines: &[&Machine], consent: Consent) -> Result<()> {
    let needs = machines.iter().flat_map(|machine| {
        let emulator = machine.qemu.first();
        let emulator = emulator.map(|name| (name.to_string(), "qemu-user".to_owned()));
        let linker = machine.gnu;
        let linker = linker.map(|gnu| (format!("{gnu}-ld"), format!("binutils-{gnu}")));
        emulator.into_iter().chain(linker)
    });
    let mut packages = setup::lacking(needs);
    packages.extend(lld().is_none().then(|| LLD_PACKAGE.to_owned()));
    setup::install(packages, consent)
}

/// Debian's package of a linker that knows all targets of `ALL`, for a machine without rustup.
const LLD_PACKAGE: &str = "lld-19";

impl Machine {
    /// The linker and its flavour.
    pub(crate) fn linker(&self) -> Result<(PathBuf, &'static str)> {
        match self.gnu {
            Some(gnu) => Ok((format!("{gnu}-ld").into(), "ld")),
            None => Ok((lld().context("LLVM's linker is not here")?, "ld.lld")),
        }
    }
}

/// LLVM's linker: rustup's, which comes with every toolchain, or Debian's.
fn lld() -> Option<PathBuf> {
    let of = |toolchain: &Path| {
        let targets = std::fs::read_dir(toolchain.join("lib/rustlib")).ok()?;
        let linker = |entry: std::fs::DirEntry| entry.path().join("bin/rust-lld");
        targets.flatten().map(linker).find(|path| path.is_file())
    };
    let rustup = toolchain::rustup_toolchains()
        .into_iter()
        .find_map(|toolchain| of(&toolchain));
    rustup.or_else(|| setup::find_program("ld.lld-19"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target;

    #[test]
    fn every_target_that_is_tested_is_here() {
        for target in target::ALL {
            let machine = select(&[target.triple.to_owned()]).unwrap()[0];
            if !target.qemu.is_empty() {
                assert_eq!(machine.qemu, target.qemu);
            }
        }
    }

    #[test]
    fn an_unknown_triple_lists_the_known_ones() {
        let error = select(&["mips-unknown-none".to_owned()])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("mips-unknown-none") && error.contains("loongarch64"),
            "{error}"
        );
    }
}
