//! Which targets have a context switch, and in which file.

/// Declares a module whose file is named after the architecture of the target:
/// the one place that selects by architecture in this crate, its tests included.
/// On a target without a context switch the file has the name of the module.
///
/// A line admits a target when its ABI is the one that the file is written for:
///
/// - **aarch64**: not Windows (which has the portable backend) or UEFI, whose
///   object files have other unwind information; not with pointers of 32 bits.
/// - **arm**: Unix-like systems in little endian. Bare metal and NuttX have
///   processors without the instructions (Thumb-1), which no `cfg` tells apart;
///   Apple's have other unwind information.
/// - **mips**, 32 bits: glibc only, because the targets of all other C libraries
///   are defined without floating-point registers. So is OpenWrt's of 64 bits.
/// - **powerpc**: not AIX, which has another ABI and another object file; not SPE,
///   whose general registers have 64 bits of which stores would save 32.
/// - **riscv**: not the embedded ABI, which has half of the registers.
/// - **s390x**: not with soft floating point, which has no registers to name.
/// - **x86**: Unix-like systems, whose ABI is System V's; not Apple, which numbers
///   registers differently in its unwind information.
/// - **x86_64**: Unix-like systems with System V's calling convention and its red
///   zone, in which the switch saves registers. Cygwin has another convention (as
///   Windows and UEFI), VxWorks and bare metal have no red zone; x32 has pointers
///   of 32 bits.
///
/// Calling conventions, pointer widths and red zones are those of rustc's target
/// specifications (`rustc -Z unstable-options --print target-spec-json`).
#[doc(hidden)]
#[macro_export]
macro_rules! select_by_architecture {
    ($visibility:vis mod $name:ident;) => {
        #[cfg_attr(
            all(
                target_arch = "aarch64",
                target_pointer_width = "64",
                not(any(windows, target_os = "uefi"))
            ),
            path = "aarch64.rs"
        )]
        #[cfg_attr(
            all(
                target_arch = "arm",
                unix,
                target_endian = "little",
                not(any(target_os = "nuttx", target_vendor = "apple"))
            ),
            path = "arm.rs"
        )]
        #[cfg_attr(target_arch = "loongarch64", path = "loongarch64.rs")]
        #[cfg_attr(
            all(any(target_arch = "mips", target_arch = "mips32r6"), target_env = "gnu"),
            path = "mips.rs"
        )]
        #[cfg_attr(
            all(
                any(target_arch = "mips64", target_arch = "mips64r6"),
                not(target_vendor = "openwrt")
            ),
            path = "mips.rs"
        )]
        #[cfg_attr(
            all(
                any(target_arch = "powerpc", target_arch = "powerpc64"),
                not(any(target_os = "aix", target_abi = "spe"))
            ),
            path = "powerpc.rs"
        )]
        #[cfg_attr(
            all(
                any(target_arch = "riscv32", target_arch = "riscv64"),
                not(target_abi = "ilp32e")
            ),
            path = "riscv.rs"
        )]
        #[cfg_attr(
            all(target_arch = "s390x", not(target_abi = "softfloat")),
            path = "s390x.rs"
        )]
        #[cfg_attr(target_arch = "sparc64", path = "sparc64.rs")]
        #[cfg_attr(all(target_arch = "x86", unix, not(target_vendor = "apple")), path = "x86.rs")]
        #[cfg_attr(
            all(
                target_arch = "x86_64",
                target_pointer_width = "64",
                unix,
                not(any(target_os = "cygwin", target_os = "vxworks"))
            ),
            path = "x86_64.rs"
        )]
        $visibility mod $name;
    };
}

/// The one error of a target that no line above admits: what is supported.
#[allow(unused_macros, reason = "for targets without a context switch")]
macro_rules! refuse_this_target {
    () => {
        compile_error!(
            "sure-context has no context switch for this target; supported are aarch64 (64-bit pointers, \
             not UEFI), arm (Unix in little endian, not Apple), loongarch64, mips (32 bits: glibc only; \
             64 bits: with hardware floating point), powerpc and powerpc64 (not AIX or SPE), riscv32 and \
             riscv64 (not with half of the registers), s390x (hardware floating point), sparc64, x86 (Unix, not Apple), x86_64 (Unix with 64-bit pointers, \
             not Cygwin or VxWorks, nor bare metal, which has no red zone), and Windows by threads"
        );
    };
}
