//! x86-64: `syscall`, the number in rax; rcx and r11 are lost.

use core::arch::naked_asm;

pub(super) const WRITE: usize = 1;

pub(super) const EXIT: usize = 60;

/// Where the kernel begins: rsp, aligned to 16 bytes.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!(
        "mov rdi, rsp",
        "xor ebp, ebp",
        "call {start}",
        "ud2",
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
        "mov rax, rcx",
        "syscall",
        "ret",
    )
}
