//! The targets besides the host: what each needs, and how its programs are run here.

pub(crate) mod cross;
pub(crate) mod freestanding;
pub(crate) mod platform;
pub(crate) mod setup;
pub(crate) mod toolchain;
pub(crate) mod unsupported;

use anyhow::{Result, bail};

/// What `sure-stack` knows of each instruction set.
#[path = "../../../crates/sure-stack/src/hosted/target.rs"]
#[allow(
    dead_code,
    reason = "the table of another crate, of which one column is used here"
)]
mod facts;

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
    /// What `cfg(target_arch)` says there.
    pub(crate) arch: &'static str,
    /// GNU's name for it: the prefix of its gcc and of its folder under `/usr`.
    pub(crate) gnu: &'static str,
    /// Debian's name for it, as in `libc6-dev-<name>-cross`.
    pub(crate) debian: &'static str,
    /// The emulator and its own arguments.
    pub(crate) qemu: &'static [&'static str],
    pub(crate) level: Level,
    /// How far debug builds are optimised. LLVM fails on unoptimised code for some targets.
    pub(crate) debug_opt_level: u8,
    /// Libraries whose tests this machine's compilers cannot build for it. The reason stands beside
    /// their names in `ci/skipped-tests.txt`.
    pub(crate) without: &'static [&'static str],
    /// How much less random work `cargo xtask ci` does on it. Under emulation that work is what
    /// takes the time.
    pub(crate) ci_divisor: u32,
    /// Whether a backtrace finds names in debug information only. In the older ABI of 64-bit PowerPC
    /// a function's symbol is that of its descriptor, not of its code.
    pub(crate) names_need_debug: bool,
}

/// A target that runs here, with what most targets have in common.
const fn target(
    triple: &'static str,
    arch: &'static str,
    gnu: &'static str,
    debian: &'static str,
    qemu: &'static [&'static str],
) -> Target {
    Target {
        triple,
        arch,
        gnu,
        debian,
        qemu,
        level: Level::Run,
        debug_opt_level: 0,
        without: &[],
        ci_divisor: 20,
        names_need_debug: false,
    }
}

/// Every target, in the order in which they are tested and shown. The first is the one that `cargo
/// xtask test` runs.
#[rustfmt::skip]
pub(crate) static ALL: &[Target] = &[
    Target {
        ci_divisor: 1,
        ..target("mips-unknown-linux-gnu", "mips", "mips-linux-gnu", "mips", &["qemu-mips"])
    },
    target("mipsel-unknown-linux-gnu", "mips", "mipsel-linux-gnu", "mipsel", &["qemu-mipsel"]),
    target("mips64-unknown-linux-gnuabi64", "mips64", "mips64-linux-gnuabi64", "mips64", &["qemu-mips64"]),
    target("mips64el-unknown-linux-gnuabi64", "mips64", "mips64el-linux-gnuabi64", "mips64el", &["qemu-mips64el"]),
    Target {
        debug_opt_level: 2,
        without: &["fiber-vm"],
        ..target(
            "mipsisa32r6-unknown-linux-gnu", "mips32r6", "mipsisa32r6-linux-gnu", "mipsr6",
            &["qemu-mips", "-cpu", "mips32r6-generic"],
        )
    },
    target("i686-unknown-linux-gnu", "x86", "i686-linux-gnu", "i386", &["qemu-i386"]),
    target("aarch64-unknown-linux-gnu", "aarch64", "aarch64-linux-gnu", "arm64", &["qemu-aarch64"]),
    target("armv7-unknown-linux-gnueabihf", "arm", "arm-linux-gnueabihf", "armhf", &["qemu-arm"]),
    target("thumbv7neon-unknown-linux-gnueabihf", "arm", "arm-linux-gnueabihf", "armhf", &["qemu-arm"]),
    target("riscv64gc-unknown-linux-gnu", "riscv64", "riscv64-linux-gnu", "riscv64", &["qemu-riscv64"]),
    target("powerpc64le-unknown-linux-gnu", "powerpc64", "powerpc64le-linux-gnu", "ppc64el", &["qemu-ppc64le"]),
    Target {
        names_need_debug: true,
        ..target("powerpc64-unknown-linux-gnu", "powerpc64", "powerpc64-linux-gnu", "ppc64", &["qemu-ppc64"])
    },
    target("powerpc-unknown-linux-gnu", "powerpc", "powerpc-linux-gnu", "powerpc", &["qemu-ppc"]),
    target("s390x-unknown-linux-gnu", "s390x", "s390x-linux-gnu", "s390x", &["qemu-s390x"]),
    Target {
        // The slowest of the emulators, by far.
        ci_divisor: 100,
        ..target("sparc64-unknown-linux-gnu", "sparc64", "sparc64-linux-gnu", "sparc64", &["qemu-sparc64"])
    },
    Target {
        level: Level::Build,
        ..target("loongarch64-unknown-linux-gnu", "loongarch64", "", "", &[])
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

    /// Whether rustc touches every page of a large frame on it, so that no frame can jump over a guard
    /// page.
    pub(crate) fn stack_probes(&self) -> bool {
        facts::Target::named(self.arch).stack_probes
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
    fn every_instruction_set_is_one_that_stacks_know() {
        for target in ALL {
            let known = facts::ALL.iter().any(|known| known.arch == target.arch);
            assert!(known, "{}: {}", target.triple, target.arch);
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
