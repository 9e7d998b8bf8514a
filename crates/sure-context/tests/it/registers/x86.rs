//! System V ABI, Intel386 Architecture Processor Supplement, 3-11.

use super::{Exchange, Register, Slots};
use std::arch::naked_asm;

pub(super) const REGISTERS: &[Register] = &[("ebx", 4), ("esi", 4), ("edi", 4), ("ebp", 4)];

#[unsafe(naked)]
pub(super) unsafe extern "C" fn hold(
    patterns: &Slots,
    seen: &mut Slots,
    exchange: Exchange,
    argument: *mut u8,
) {
    naked_asm!(
        "push ebx",
        "push esi",
        "push edi",
        "push ebp",
        "sub esp, 12",
        // The arguments stand 32 bytes above: saved registers and the return address are in between.
        "mov eax, [esp + 32]",
        "mov ecx, [esp + 44]",
        "mov [esp], ecx",
        "mov ecx, [esp + 40]",
        "mov ebx, [eax]",
        "mov esi, [eax + 16]",
        "mov edi, [eax + 32]",
        "mov ebp, [eax + 48]",
        "call ecx",
        "mov eax, [esp + 36]",
        "mov [eax], ebx",
        "mov [eax + 16], esi",
        "mov [eax + 32], edi",
        "mov [eax + 48], ebp",
        "add esp, 12",
        "pop ebp",
        "pop edi",
        "pop esi",
        "pop ebx",
        "ret",
    )
}
