//! x86: `int 0x80`, the number in eax.

use core::arch::naked_asm;

pub(super) const WRITE: usize = 4;

pub(super) const EXIT: usize = 1;

/// Where the kernel begins: esp, aligned to 16 bytes.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!(
        "mov eax, esp",
        "xor ebp, ebp",
        "sub esp, 12",
        "push eax",
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
        "push ebx",
        "mov ebx, [esp + 8]",
        "mov ecx, [esp + 12]",
        "mov edx, [esp + 16]",
        "mov eax, [esp + 20]",
        "int 0x80",
        "pop ebx",
        "ret",
    )
}
