//! Where the code was that a signal has stopped: the only thing here that
//! differs between instruction sets.
//!
//! The place is that of the libc crate's `ucontext_t` where it has one, else
//! that of the kernel's headers: `asm/sigcontext.h`, `asm/ucontext.h` and, of sparc64,
//! `struct rt_signal_frame` in `signal_64.c`.

use core::ffi::c_void;

/// The program counter in the third argument of a signal handler, on targets
/// where its place is known.
///
/// # Safety
/// `context` is that argument.
pub(super) unsafe fn of(context: *const c_void) -> Option<usize> {
    // SAFETY: the caller's promise.
    unsafe { read(context) }
}

/// Defines `read`: `context`'s type, and the place.
macro_rules! place {
    ($context:ident: $type:ty => $place:expr) => {
        #[allow(
            clippy::unnecessary_cast,
            reason = "some targets have registers of other types"
        )]
        unsafe fn read(context: *const c_void) -> Option<usize> {
            let $context = context.cast::<$type>();
            // SAFETY: what the kernel passes to a handler on this target.
            Some(unsafe { $place } as usize)
        }
    };
}

#[cfg(target_arch = "x86_64")]
place!(context: libc::ucontext_t => (*context).uc_mcontext.gregs[libc::REG_RIP as usize]);
#[cfg(target_arch = "x86")]
place!(context: libc::ucontext_t => (*context).uc_mcontext.gregs[libc::REG_EIP as usize]);
#[cfg(target_arch = "aarch64")]
place!(context: libc::ucontext_t => (*context).uc_mcontext.pc);
#[cfg(target_arch = "arm")]
place!(context: libc::ucontext_t => (*context).uc_mcontext.arm_pc);
#[cfg(target_arch = "riscv64")]
place!(context: libc::ucontext_t => (*context).uc_mcontext.__gregs[libc::REG_PC]);
#[cfg(target_arch = "loongarch64")]
place!(context: libc::ucontext_t => (*context).uc_mcontext.__pc);
#[cfg(target_arch = "s390x")]
place!(context: libc::ucontext_t => (*context).uc_mcontext.psw.addr);
// `NIP` is the 33rd general register of the kernel's list.
#[cfg(target_arch = "powerpc64")]
place!(context: libc::ucontext_t => (*context).uc_mcontext.gp_regs[32]);
// Flags, link, stack (5 words) and padding (7 words); then a pointer to the registers.
#[cfg(target_arch = "powerpc")]
place!(context: *const usize => *(*context.add(12)).add(32));
// Flags, link, stack (5 words), to 8 bytes; register mask, status; then `sc_pc`.
#[cfg(any(target_arch = "mips", target_arch = "mips32r6"))]
place!(context: u64 => *context.add(4));
#[cfg(any(target_arch = "mips64", target_arch = "mips64r6"))]
const _: () = assert!(
    libc::SA_SIGINFO == 8,
    "this version of libc has another platform's `sigaction` for 64-bit MIPS (0.2.191 does): take 0.2.183"
);
// Flags, link, stack (5 words); 32 + 32 registers, 2 × 4 of hi and lo; then `sc_pc`.
#[cfg(any(target_arch = "mips64", target_arch = "mips64r6"))]
place!(context: u64 => *context.add(5 + 32 + 32 + 8));
// Not a `ucontext_t` but the `siginfo_t`, 16 registers, `tstate`; then `tpc`.
#[cfg(target_arch = "sparc64")]
place!(context: u64 => *context.add(16 + 16 + 1));

#[cfg(not(any(
    target_arch = "x86_64",
    target_arch = "x86",
    target_arch = "aarch64",
    target_arch = "arm",
    target_arch = "riscv64",
    target_arch = "loongarch64",
    target_arch = "s390x",
    target_arch = "powerpc64",
    target_arch = "powerpc",
    target_arch = "mips",
    target_arch = "mips32r6",
    target_arch = "mips64",
    target_arch = "mips64r6",
    target_arch = "sparc64",
)))]
unsafe fn read(_: *const c_void) -> Option<usize> {
    None
}
