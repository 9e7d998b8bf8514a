//! ELFv2: 64-Bit ELF V2 ABI Specification, 2.2.1; the same registers in ELFv1.

use super::{Exchange, Register, Slots};
use std::arch::naked_asm;

pub(super) const REGISTERS: [Register; 49] = [
    ("r14", 8),
    ("r15", 8),
    ("r16", 8),
    ("r17", 8),
    ("r18", 8),
    ("r19", 8),
    ("r20", 8),
    ("r21", 8),
    ("r22", 8),
    ("r23", 8),
    ("r24", 8),
    ("r25", 8),
    ("r26", 8),
    ("r27", 8),
    ("r28", 8),
    ("r29", 8),
    ("r30", 8),
    ("r31", 8),
    ("f14", 8),
    ("f15", 8),
    ("f16", 8),
    ("f17", 8),
    ("f18", 8),
    ("f19", 8),
    ("f20", 8),
    ("f21", 8),
    ("f22", 8),
    ("f23", 8),
    ("f24", 8),
    ("f25", 8),
    ("f26", 8),
    ("f27", 8),
    ("f28", 8),
    ("f29", 8),
    ("f30", 8),
    ("f31", 8),
    ("v20", 16),
    ("v21", 16),
    ("v22", 16),
    ("v23", 16),
    ("v24", 16),
    ("v25", 16),
    ("v26", 16),
    ("v27", 16),
    ("v28", 16),
    ("v29", 16),
    ("v30", 16),
    ("v31", 16),
    ("cr2-cr4", 4),
];

/// The same for every register: loads from the slots at r3, or stores to them.
/// Of the condition register, cr2-cr4 are bits of the last slot.
macro_rules! each {
    ($integer:literal, $float:literal, $vector:literal) => {
        concat!(
            $integer,
            " 14, 0(3)\n",
            $integer,
            " 15, 16(3)\n",
            $integer,
            " 16, 32(3)\n",
            $integer,
            " 17, 48(3)\n",
            $integer,
            " 18, 64(3)\n",
            $integer,
            " 19, 80(3)\n",
            $integer,
            " 20, 96(3)\n",
            $integer,
            " 21, 112(3)\n",
            $integer,
            " 22, 128(3)\n",
            $integer,
            " 23, 144(3)\n",
            $integer,
            " 24, 160(3)\n",
            $integer,
            " 25, 176(3)\n",
            $integer,
            " 26, 192(3)\n",
            $integer,
            " 27, 208(3)\n",
            $integer,
            " 28, 224(3)\n",
            $integer,
            " 29, 240(3)\n",
            $integer,
            " 30, 256(3)\n",
            $integer,
            " 31, 272(3)\n",
            $float,
            " 14, 288(3)\n",
            $float,
            " 15, 304(3)\n",
            $float,
            " 16, 320(3)\n",
            $float,
            " 17, 336(3)\n",
            $float,
            " 18, 352(3)\n",
            $float,
            " 19, 368(3)\n",
            $float,
            " 20, 384(3)\n",
            $float,
            " 21, 400(3)\n",
            $float,
            " 22, 416(3)\n",
            $float,
            " 23, 432(3)\n",
            $float,
            " 24, 448(3)\n",
            $float,
            " 25, 464(3)\n",
            $float,
            " 26, 480(3)\n",
            $float,
            " 27, 496(3)\n",
            $float,
            " 28, 512(3)\n",
            $float,
            " 29, 528(3)\n",
            $float,
            " 30, 544(3)\n",
            $float,
            " 31, 560(3)\n",
            "li 8, 576\n",
            $vector,
            " 20, 3, 8\n",
            "li 8, 592\n",
            $vector,
            " 21, 3, 8\n",
            "li 8, 608\n",
            $vector,
            " 22, 3, 8\n",
            "li 8, 624\n",
            $vector,
            " 23, 3, 8\n",
            "li 8, 640\n",
            $vector,
            " 24, 3, 8\n",
            "li 8, 656\n",
            $vector,
            " 25, 3, 8\n",
            "li 8, 672\n",
            $vector,
            " 26, 3, 8\n",
            "li 8, 688\n",
            $vector,
            " 27, 3, 8\n",
            "li 8, 704\n",
            $vector,
            " 28, 3, 8\n",
            "li 8, 720\n",
            $vector,
            " 29, 3, 8\n",
            "li 8, 736\n",
            $vector,
            " 30, 3, 8\n",
            "li 8, 752\n",
            $vector,
            " 31, 3, 8\n",
        )
    };
}

/// Call the function pointer in r5, with its TOC if it brings one, and come back with our own.
#[cfg(target_abi = "elfv2")]
macro_rules! call_r5 {
    () => {
        "std 2, 24(1)
         mr 12, 5
         mtctr 12
         bctrl
         ld 2, 24(1)\n"
    };
}
#[cfg(not(target_abi = "elfv2"))]
macro_rules! call_r5 {
    () => {
        "std 2, 40(1)
         ld 12, 0(5)
         ld 2, 8(5)
         mtctr 12
         bctrl
         ld 2, 40(1)\n"
    };
}

#[unsafe(naked)]
pub(super) unsafe extern "C" fn hold(
    patterns: &Slots,
    seen: &mut Slots,
    exchange: Exchange,
    argument: *mut u8,
) {
    naked_asm!(
        // A frame: what a callee may use, `seen`, `patterns`, and slots for the caller's registers.
        "mflr 0",
        "stdu 1, -912(1)",
        "std 0, 928(1)",
        "std 4, 112(1)",
        "std 3, 120(1)",
        "mr 7, 3",
        "addi 3, 1, 128",
        each!("std", "stfd", "stvx"),
        "mfcr 0",
        "stw 0, 768(3)",
        "mr 3, 7",
        each!("ld", "lfd", "lvx"),
        "lwz 0, 768(3)",
        "mtcrf 0x38, 0",
        "mr 3, 6",
        call_r5!(),
        "ld 3, 112(1)",
        each!("std", "stfd", "stvx"),
        // The pattern with its own bits of cr2-cr4.
        "mfcr 0",
        "ld 7, 120(1)",
        "lwz 4, 768(7)",
        "rlwimi 4, 0, 0, 8, 19",
        "stw 4, 768(3)",
        "addi 3, 1, 128",
        each!("ld", "lfd", "lvx"),
        "lwz 0, 768(3)",
        "mtcrf 0x38, 0",
        "ld 0, 928(1)",
        "mtlr 0",
        "addi 1, 1, 912",
        "blr",
    )
}
