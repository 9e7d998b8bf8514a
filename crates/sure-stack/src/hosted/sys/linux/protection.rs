//! What the system protects besides memory: whether returns are checked against a shadow stack.

/// `ARCH_SHSTK_STATUS` of the kernel's `arch/x86/include/uapi/asm/prctl.h`.
#[cfg(target_arch = "x86_64")]
const STATUS: i32 = 0x5005;
/// `PR_GET_SHADOW_STACK_STATUS` of the kernel's `include/uapi/linux/prctl.h`.
#[cfg(any(target_arch = "aarch64", target_arch = "riscv64"))]
const STATUS: i32 = 74;

/// The bits of what is turned on for the calling thread. `None` where the system does not know the
/// question, or there is no such processor.
pub(crate) fn shadow_stack_status() -> Option<u64> {
    #[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
    {
        let mut status = 0_u64;
        // SAFETY: the system writes eight bytes, if it knows the question.
        let failed = unsafe { libc::syscall(libc::SYS_arch_prctl, STATUS, &raw mut status) } != 0;
        (!failed).then_some(status)
    }
    #[cfg(any(target_arch = "aarch64", target_arch = "riscv64"))]
    {
        let mut status = 0_u64;
        // SAFETY: the system writes a word, if it knows the question; it wants the rest to be 0.
        let failed =
            unsafe { libc::prctl(STATUS, &raw mut status, 0_usize, 0_usize, 0_usize) } != 0;
        (!failed).then_some(status)
    }
    #[cfg(not(any(
        all(target_arch = "x86_64", target_pointer_width = "64"),
        target_arch = "aarch64",
        target_arch = "riscv64"
    )))]
    None
}
