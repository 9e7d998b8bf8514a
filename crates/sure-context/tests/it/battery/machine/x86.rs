//! System V ABI, Intel386 Architecture Processor Supplement, 3-11.

use super::{Exchange, Register, Slots};
use core::arch::naked_asm;

pub(in crate::battery) const REGISTERS: &[Register] =
    &[("ebx", 4), ("esi", 4), ("edi", 4), ("ebp", 4)];

#[unsafe(naked)]
pub(in crate::battery) unsafe extern "C" fn hold(
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

handed_out! {
    general {
        0 "eax" 1 "ecx" 2 "edx" 3 "ebx" 4 "edi"
    }
    float {
        0 "xmm0" 1 "xmm1" 2 "xmm2" 3 "xmm3" 4 "xmm4" 5 "xmm5" 6 "xmm6" 7 "xmm7"
    }
}
