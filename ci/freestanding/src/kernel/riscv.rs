//! RISC-V: `ecall`, the number in a7.

use core::arch::naked_asm;

pub(super) const WRITE: usize = 64;

pub(super) const EXIT: usize = 93;

/// Where the kernel begins: sp, aligned to 16 bytes.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!(
        "mv a0, sp",
        "li s0, 0",
        "call {start}",
        "unimp",
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
        "mv a7, a3",
        "ecall",
        "ret",
    )
}
