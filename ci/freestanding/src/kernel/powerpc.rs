//! PowerPC, 32 and 64 bits: `sc`, the number in r0.

use core::arch::{global_asm, naked_asm};

pub(super) const WRITE: usize = 4;

pub(super) const EXIT: usize = 1;

// Where the kernel begins, with r1 as the stack pointer, aligned to 16 bytes. A caller provides the end of the chain of frames, and
// room above it.
#[cfg(target_pointer_width = "32")]
global_asm!(
    ".globl _start",
    "_start:",
    "mr 3, 1",
    "li 0, 0",
    "stwu 0, -16(1)",
    "bl {start}",
    "trap",
    start = sym crate::start,
);

// ELFv2: the kernel has set r12 to this address, from which the TOC is found.
#[cfg(all(target_pointer_width = "64", target_abi = "elfv2"))]
global_asm!(
    ".globl _start",
    ".type _start, @function",
    "_start:",
    "addis 2, 12, .TOC.-_start@ha",
    "addi 2, 2, .TOC.-_start@l",
    "mr 3, 1",
    "li 0, 0",
    "stdu 0, -112(1)",
    "bl {start}",
    "nop",
    "trap",
    start = sym crate::start,
);

// ELFv1: `_start` is a descriptor, {code, TOC, environment}, from which the kernel has set r2.
#[cfg(all(target_pointer_width = "64", not(target_abi = "elfv2")))]
global_asm!(
    ".globl _start",
    ".pushsection .opd, \"aw\", @progbits",
    ".balign 8",
    "_start:",
    ".quad .L_start, .TOC.@tocbase, 0",
    ".popsection",
    ".L_start:",
    "mr 3, 1",
    "li 0, 0",
    "stdu 0, -112(1)",
    "bl {start}",
    "nop",
    "trap",
    start = sym crate::start,
);

/// Three arguments and the number of the call; its result.
///
/// # Safety
/// As the call asks for.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn system_call(a: usize, b: usize, c: usize, number: usize) -> usize {
    naked_asm!("mr 0, 6", "sc", "blr")
}
