//! MIPS, o32 and n64: `syscall`, the number in $2; $7 says whether it has failed.

use core::arch::naked_asm;

pub(super) const WRITE: usize = if cfg!(target_pointer_width = "64") { 5001 } else { 4004 };

pub(super) const EXIT: usize = if cfg!(target_pointer_width = "64") { 5058 } else { 4001 };

#[cfg(target_pointer_width = "32")]
macro_rules! add {
    () => {
        "addiu"
    };
}
#[cfg(target_pointer_width = "64")]
macro_rules! add {
    () => {
        "daddiu"
    };
}

/// Where the kernel begins, by the name that linkers look for on MIPS: $29, aligned to 8 or 16 bytes. The program is linked to a fixed address of 31 bits; what it calls finds
/// its own data from its address in $25.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn __start() -> ! {
    naked_asm!(
        ".set push",
        ".set noreorder",
        "move $4, $29",
        concat!(add!(), " $29, $29, -32"),
        "move $30, $0",
        "move $31, $0",
        "lui $25, %hi({start})",
        concat!(add!(), " $25, $25, %lo({start})"),
        "jr $25",
        "nop",
        ".set pop",
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
        ".set push",
        ".set noreorder",
        "move $2, $7",
        "syscall",
        "jr $31",
        "nop",
        ".set pop",
    )
}
