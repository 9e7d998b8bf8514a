//! SPARC, 64 bits: `ta 0x6d`, the number in %g1.

use core::arch::naked_asm;

pub(super) const WRITE: usize = 4;

pub(super) const EXIT: usize = 1;

/// Where the kernel begins: %sp, biased by 2047; what the kernel has put there lies above room for a window.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!(
        "add %sp, 2047 + 128, %o0",
        "sub %sp, 176, %sp",
        "mov 0, %fp",
        "call {start}",
        "nop",
        "ta 5",
        start = sym crate::start,
    )
}

/// Three arguments and the number of the call; its result.
///
/// # Safety
/// As the call asks for.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn system_call(a: usize, b: usize, c: usize, number: usize) -> usize {
    naked_asm!(
        "mov %o3, %g1",
        "ta 0x6d",
        "retl",
        "nop",
    )
}
