//! Arm, EABI: `svc #0`, the number in r7.

use core::arch::naked_asm;

pub(super) const WRITE: usize = 4;

pub(super) const EXIT: usize = 1;

/// Where the kernel begins: sp, aligned to 8 bytes.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!(
        "mov r0, sp",
        "mov r11, #0",
        "bl {start}",
        "udf #0",
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
        "push {{r7, lr}}",
        "mov r7, r3",
        "svc #0",
        "pop {{r7, pc}}",
    )
}
