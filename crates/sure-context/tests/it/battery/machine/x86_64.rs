//! System V ABI, AMD64 supplement, figure 3.4.

use super::{Exchange, Register, Slots};
use core::arch::naked_asm;

pub(in crate::battery) const REGISTERS: &[Register] = &[
    ("rbx", 8),
    ("rbp", 8),
    ("r12", 8),
    ("r13", 8),
    ("r14", 8),
    ("r15", 8),
];

#[unsafe(naked)]
pub(in crate::battery) unsafe extern "C" fn hold(
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

handed_out! {
    general {
        0 "rax" 1 "rcx" 2 "rdx" 3 "rsi" 4 "rdi" 5 "r8" 6 "r9" 7 "r10" 8 "r11" 9 "r12" 10 "r13"
        11 "r14" 12 "r15"
    }
    float {
        0 "xmm0" 1 "xmm1" 2 "xmm2" 3 "xmm3" 4 "xmm4" 5 "xmm5" 6 "xmm6" 7 "xmm7" 8 "xmm8" 9 "xmm9"
        10 "xmm10" 11 "xmm11" 12 "xmm12" 13 "xmm13" 14 "xmm14" 15 "xmm15"
    }
}
