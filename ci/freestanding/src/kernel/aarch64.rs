//! AArch64: `svc 0`, the number in x8.

use core::arch::naked_asm;

pub(super) const WRITE: usize = 64;

pub(super) const EXIT: usize = 93;

/// Where the kernel begins: sp, aligned to 16 bytes.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!(
        "mov x0, sp",
        "mov x29, xzr",
        "mov x30, xzr",
        "b {start}",
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
        "mov x8, x3",
        "svc 0",
        "ret",
    )
}
