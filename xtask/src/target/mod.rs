//! The targets besides the host: what each needs, and how its programs are run here.

pub(crate) mod cross;
pub(crate) mod foreign;
pub(crate) mod freestanding;
pub(crate) mod instrumented;
pub(crate) mod platform;
pub(crate) mod setup;
pub(crate) mod toolchain;
pub(crate) mod unsupported;

use anyhow::{Context, Result};

/// What `sure-stack` knows of each instruction set.
#[path = "../../../crates/sure-stack/src/hosted/target.rs"]
#[allow(
    dead_code,
    reason = "the table of another crate, of which one column is used here"
)]
pub(crate) mod facts;

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
    /// The emulator and its own arguments. None where Debian has no cross compiler or C library: there the libraries are
    /// compiled, and nothing is run.
    pub(crate) qemu: &'static [&'static str],
    /// What else its builds need in their environment.
    pub(crate) env: &'static [(&'static str, &'static str)],
    /// Libraries whose tests this machine's compilers cannot build for it. The reason stands beside
    /// their names in `ci/skipped-tests.txt`.
    pub(crate) without: &'static [&'static str],
    /// How much less random work `cargo xtask ci` does on it. Under emulation that work is what
    /// takes the time.
    pub(crate) ci_divisor: u32,
}

/// A target with what most have in common.
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
        env: &[],
        without: &[],
        ci_divisor: 20,
    }
}

/// Every target, in the order in which they are tested and shown. The first is the one that `cargo
/// xtask test` runs.
#[rustfmt::skip]
pub(crate) static ALL: &[Target] = &[
    Target {
        // `cargo xtask test` does all of it here.
        ci_divisor: 4,
        ..target("mips-unknown-linux-gnu", "mips", "mips-linux-gnu", "mips", &["qemu-mips"])
    },
    target("mipsel-unknown-linux-gnu", "mips", "mipsel-linux-gnu", "mipsel", &["qemu-mipsel"]),
    target("mips64-unknown-linux-gnuabi64", "mips64", "mips64-linux-gnuabi64", "mips64", &["qemu-mips64"]),
    target("mips64el-unknown-linux-gnuabi64", "mips64", "mips64el-linux-gnuabi64", "mips64el", &["qemu-mips64el"]),
    Target {
        // LLVM fails on unoptimised code for it.
        env: &[("CARGO_PROFILE_DEV_OPT_LEVEL", "2")],
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
        // A backtrace finds names in debug information only: in the older ABI of 64-bit PowerPC a function's
        // symbol is that of its descriptor, not of its code.
        env: &[("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only")],
        ..target("powerpc64-unknown-linux-gnu", "powerpc64", "powerpc64-linux-gnu", "ppc64", &["qemu-ppc64"])
    },
    target("powerpc-unknown-linux-gnu", "powerpc", "powerpc-linux-gnu", "powerpc", &["qemu-ppc"]),
    target("s390x-unknown-linux-gnu", "s390x", "s390x-linux-gnu", "s390x", &["qemu-s390x"]),
    Target {
        // The slowest of the emulators, by far.
        ci_divisor: 100,
        ..target("sparc64-unknown-linux-gnu", "sparc64", "sparc64-linux-gnu", "sparc64", &["qemu-sparc64"])
    },
    target("loongarch64-unknown-linux-gnu", "loongarch64", "", "", &[]),
];

impl Target {
    /// Whether its programs run here.
    pub(crate) fn runs(&self) -> bool {
        !self.qemu.is_empty()
    }

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
    let mut targets = ALL.iter();
    targets.find(|target| target.triple == triple).with_context(|| {
        format!(
            "no target is called `{triple}` here; `cargo xtask test-target list` shows those that are tested"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triples_are_unique_and_of_instruction_sets_that_stacks_know() {
        for target in ALL {
            assert!(std::ptr::eq(find(target.triple).unwrap(), target));
            let known = facts::ALL.iter().any(|known| known.arch == target.arch);
            assert!(known, "{}: {}", target.triple, target.arch);
        }
    }
}
