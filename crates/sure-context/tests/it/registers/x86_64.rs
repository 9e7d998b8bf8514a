//! System V ABI, AMD64 supplement, figure 3.4.

use super::{Exchange, Register, Slots};
use std::arch::naked_asm;

pub(super) const REGISTERS: &[Register] = &[
    ("rbx", 8),
    ("rbp", 8),
    ("r12", 8),
    ("r13", 8),
    ("r14", 8),
    ("r15", 8),
];

#[unsafe(naked)]
pub(super) unsafe extern "C" fn hold(
    patterns: &Slots,
    seen: &mut Slots,
    exchange: Exchange,
    argument: *mut u8,
) {
    naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "push rsi",
        "mov rbx, [rdi]",
        "mov rbp, [rdi + 16]",
        "mov r12, [rdi + 32]",
        "mov r13, [rdi + 48]",
        "mov r14, [rdi + 64]",
        "mov r15, [rdi + 80]",
        "mov rdi, rcx",
        "call rdx",
        "pop rsi",
        "mov [rsi], rbx",
        "mov [rsi + 16], rbp",
        "mov [rsi + 32], r12",
        "mov [rsi + 48], r13",
        "mov [rsi + 64], r14",
        "mov [rsi + 80], r15",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
    )
}
