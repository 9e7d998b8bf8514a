//! The targets besides the host: what each needs, and how its programs are run here.

use anyhow::{Result, bail};

/// How far a target can be tested on a Debian machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Every test runs under the emulator.
    Run,
    /// Debian has no cross compiler or C library for it: the libraries are compiled, nothing is run.
    Build,
}

/// One target, and the Debian packages that make it testable.
#[derive(Debug)]
pub(crate) struct Target {
    /// Rust's name for it.
    pub(crate) triple: &'static str,
    /// GNU's name for it: the prefix of its gcc and of its folder under `/usr`.
    pub(crate) gnu: &'static str,
    /// Debian's name for it, as in `libc6-dev-<name>-cross`.
    pub(crate) debian: &'static str,
    /// The emulator and its own arguments.
    pub(crate) qemu: &'static [&'static str],
    pub(crate) level: Level,
    /// Whether rustc touches every page of a large frame on it, so that no frame can jump over a guard page.
    pub(crate) stack_probes: bool,
    /// How far debug builds are optimised. LLVM fails on unoptimised code for some targets.
    pub(crate) debug_opt_level: u8,
    /// Libraries whose tests no compiler of ours can build for it. The reason stands beside their names in `ci/skipped-tests.txt`.
    pub(crate) without: &'static [&'static str],
    /// Whether every change is tested on it, and not only `ci --full`.
    pub(crate) in_ci: bool,
    /// Whether a backtrace finds names in debug information only. In the older ABI of 64-bit PowerPC a function's symbol is that
    /// of its descriptor, not of its code.
    pub(crate) names_need_debug: bool,
}

/// What most targets have in common.
const USUAL: Target = Target {
    triple: "",
    gnu: "",
    debian: "",
    qemu: &[],
    level: Level::Run,
    stack_probes: true,
    debug_opt_level: 0,
    without: &[],
    names_need_debug: false,
    in_ci: true,
};

/// Every target, MIPS first: the order in which they are tested and shown.
pub(crate) static ALL: &[Target] = &[
    Target {
        triple: "mips-unknown-linux-gnu",
        gnu: "mips-linux-gnu",
        debian: "mips",
        qemu: &["qemu-mips"],
        stack_probes: false,
        ..USUAL
    },
    Target {
        triple: "mipsel-unknown-linux-gnu",
        gnu: "mipsel-linux-gnu",
        debian: "mipsel",
        qemu: &["qemu-mipsel"],
        stack_probes: false,
        ..USUAL
    },
    Target {
        triple: "mips64-unknown-linux-gnuabi64",
        gnu: "mips64-linux-gnuabi64",
        debian: "mips64",
        qemu: &["qemu-mips64"],
        stack_probes: false,
        ..USUAL
    },
    Target {
        triple: "mips64el-unknown-linux-gnuabi64",
        gnu: "mips64el-linux-gnuabi64",
        debian: "mips64el",
        qemu: &["qemu-mips64el"],
        stack_probes: false,
        ..USUAL
    },
    Target {
        triple: "mipsisa32r6-unknown-linux-gnu",
        gnu: "mipsisa32r6-linux-gnu",
        debian: "mipsr6",
        qemu: &["qemu-mips", "-cpu", "mips32r6-generic"],
        stack_probes: false,
        debug_opt_level: 2,
        without: &["fiber-vm"],
        ..USUAL
    },
    Target {
        triple: "i686-unknown-linux-gnu",
        gnu: "i686-linux-gnu",
        debian: "i386",
        qemu: &["qemu-i386"],
        ..USUAL
    },
    Target {
        triple: "aarch64-unknown-linux-gnu",
        gnu: "aarch64-linux-gnu",
        debian: "arm64",
        qemu: &["qemu-aarch64"],
        ..USUAL
    },
    Target {
        triple: "armv7-unknown-linux-gnueabihf",
        gnu: "arm-linux-gnueabihf",
        debian: "armhf",
        qemu: &["qemu-arm"],
        stack_probes: false,
        ..USUAL
    },
    Target {
        triple: "thumbv7neon-unknown-linux-gnueabihf",
        gnu: "arm-linux-gnueabihf",
        debian: "armhf",
        qemu: &["qemu-arm"],
        stack_probes: false,
        ..USUAL
    },
    Target {
        triple: "riscv64gc-unknown-linux-gnu",
        gnu: "riscv64-linux-gnu",
        debian: "riscv64",
        qemu: &["qemu-riscv64"],
        stack_probes: false,
        ..USUAL
    },
    Target {
        triple: "powerpc64le-unknown-linux-gnu",
        gnu: "powerpc64le-linux-gnu",
        debian: "ppc64el",
        qemu: &["qemu-ppc64le"],
        ..USUAL
    },
    Target {
        triple: "powerpc64-unknown-linux-gnu",
        gnu: "powerpc64-linux-gnu",
        debian: "ppc64",
        qemu: &["qemu-ppc64"],
        names_need_debug: true,
        ..USUAL
    },
    Target {
        triple: "powerpc-unknown-linux-gnu",
        gnu: "powerpc-linux-gnu",
        debian: "powerpc",
        qemu: &["qemu-ppc"],
        ..USUAL
    },
    Target {
        triple: "s390x-unknown-linux-gnu",
        gnu: "s390x-linux-gnu",
        debian: "s390x",
        qemu: &["qemu-s390x"],
        ..USUAL
    },
    Target {
        triple: "sparc64-unknown-linux-gnu",
        gnu: "sparc64-linux-gnu",
        debian: "sparc64",
        qemu: &["qemu-sparc64"],
        stack_probes: false,
        in_ci: false,
        ..USUAL
    },
    Target {
        triple: "loongarch64-unknown-linux-gnu",
        level: Level::Build,
        stack_probes: false,
        ..USUAL
    },
];

impl Target {
    /// The C compiler that links for it.
    pub(crate) fn linker(&self) -> String {
        format!("{}-gcc", self.gnu)
    }

    /// Where its C library lies.
    pub(crate) fn sysroot(&self) -> String {
        format!("/usr/{}", self.gnu)
    }

    /// The words to put before a program to run it here.
    pub(crate) fn runner(&self) -> String {
        let sysroot = self.sysroot();
        let words = self.qemu.iter().copied().chain(["-L", &sysroot]);
        words.collect::<Vec<_>>().join(" ")
    }

    /// Its name as part of an environment variable of cargo's.
    pub(crate) fn variable(&self) -> String {
        self.triple.to_uppercase().replace('-', "_")
    }
}

/// Finds targets by triple; `all` is every one.
pub(crate) fn select(names: &[String]) -> Result<Vec<&'static Target>> {
    if names.iter().any(|name| name == "all") {
        return Ok(ALL.iter().collect());
    }
    names.iter().map(|name| find(name)).collect()
}

/// Finds one target by triple.
pub(crate) fn find(triple: &str) -> Result<&'static Target> {
    match ALL.iter().find(|target| target.triple == triple) {
        Some(target) => Ok(target),
        None => bail!(
            "no target is called `{triple}` here; `cargo xtask test-target list` shows those that are tested"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triples_are_unique_and_found() {
        for target in ALL {
            assert!(std::ptr::eq(find(target.triple).unwrap(), target));
        }
    }

    #[test]
    fn an_unknown_triple_names_the_command_that_lists_the_known_ones() {
        let error = find("mips-unknown-none").unwrap_err().to_string();
        assert!(
            error.contains("mips-unknown-none") && error.contains("test-target list"),
            "{error}"
        );
    }

    #[test]
    fn only_what_can_run_has_an_emulator() {
        for target in ALL {
            assert_eq!(
                target.level == Level::Run,
                !target.qemu.is_empty(),
                "{}",
                target.triple
            );
        }
    }

    #[test]
    fn a_runner_is_one_command_line() {
        let runner = find("mipsisa32r6-unknown-linux-gnu").unwrap().runner();
        assert_eq!(
            runner,
            "qemu-mips -cpu mips32r6-generic -L /usr/mipsisa32r6-linux-gnu"
        );
    }
}
