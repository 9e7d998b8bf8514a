//! System V ABI, PowerPC Processor Supplement, 3-14 ff. In 64 bits, ELFv2:
//! 64-Bit ELF V2 ABI Specification, 2.2.1; the same registers in ELFv1.

use super::{Exchange, Register, Slots};
use core::arch::naked_asm;

const WORD: usize = size_of::<usize>();

pub(in crate::battery) const REGISTERS: &[Register] = &[
    ("r14", WORD),
    ("r15", WORD),
    ("r16", WORD),
    ("r17", WORD),
    ("r18", WORD),
    ("r19", WORD),
    ("r20", WORD),
    ("r21", WORD),
    ("r22", WORD),
    ("r23", WORD),
    ("r24", WORD),
    ("r25", WORD),
    ("r26", WORD),
    ("r27", WORD),
    ("r28", WORD),
    ("r29", WORD),
    ("r30", WORD),
    ("r31", WORD),
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
    ("cr2-cr4", 4),
    #[cfg(target_pointer_width = "64")]
    ("v20", 16),
    #[cfg(target_pointer_width = "64")]
    ("v21", 16),
    #[cfg(target_pointer_width = "64")]
    ("v22", 16),
    #[cfg(target_pointer_width = "64")]
    ("v23", 16),
    #[cfg(target_pointer_width = "64")]
    ("v24", 16),
    #[cfg(target_pointer_width = "64")]
    ("v25", 16),
    #[cfg(target_pointer_width = "64")]
    ("v26", 16),
    #[cfg(target_pointer_width = "64")]
    ("v27", 16),
    #[cfg(target_pointer_width = "64")]
    ("v28", 16),
    #[cfg(target_pointer_width = "64")]
    ("v29", 16),
    #[cfg(target_pointer_width = "64")]
    ("v30", 16),
    #[cfg(target_pointer_width = "64")]
    ("v31", 16),
];

/// The same for every register: loaded from the slots at r3, or stored to them.
/// Of the condition register, cr2-cr4 are bits of slot 36; the code below sees to it.
#[rustfmt::skip]
macro_rules! each {
    ($integer:expr, $float:literal, $vector:literal) => {
        concat!(
            $integer, " 14, 16*0(3)\n",
            $integer, " 15, 16*1(3)\n",
            $integer, " 16, 16*2(3)\n",
            $integer, " 17, 16*3(3)\n",
            $integer, " 18, 16*4(3)\n",
            $integer, " 19, 16*5(3)\n",
            $integer, " 20, 16*6(3)\n",
            $integer, " 21, 16*7(3)\n",
            $integer, " 22, 16*8(3)\n",
            $integer, " 23, 16*9(3)\n",
            $integer, " 24, 16*10(3)\n",
            $integer, " 25, 16*11(3)\n",
            $integer, " 26, 16*12(3)\n",
            $integer, " 27, 16*13(3)\n",
            $integer, " 28, 16*14(3)\n",
            $integer, " 29, 16*15(3)\n",
            $integer, " 30, 16*16(3)\n",
            $integer, " 31, 16*17(3)\n",
            $float, " 14, 16*18(3)\n",
            $float, " 15, 16*19(3)\n",
            $float, " 16, 16*20(3)\n",
            $float, " 17, 16*21(3)\n",
            $float, " 18, 16*22(3)\n",
            $float, " 19, 16*23(3)\n",
            $float, " 20, 16*24(3)\n",
            $float, " 21, 16*25(3)\n",
            $float, " 22, 16*26(3)\n",
            $float, " 23, 16*27(3)\n",
            $float, " 24, 16*28(3)\n",
            $float, " 25, 16*29(3)\n",
            $float, " 26, 16*30(3)\n",
            $float, " 27, 16*31(3)\n",
            $float, " 28, 16*32(3)\n",
            $float, " 29, 16*33(3)\n",
            $float, " 30, 16*34(3)\n",
            $float, " 31, 16*35(3)\n",
            by_width!("", each_vector!($vector)),
        )
    };
}

/// Vectors have no offset but in a register. Only in 64 bits are they part of every target.
#[cfg(target_pointer_width = "64")]
#[rustfmt::skip]
macro_rules! each_vector {
    ($vector:literal) => {
        concat!(
            "li 8, 16*37\n", $vector, " 20, 3, 8\n",
            "li 8, 16*38\n", $vector, " 21, 3, 8\n",
            "li 8, 16*39\n", $vector, " 22, 3, 8\n",
            "li 8, 16*40\n", $vector, " 23, 3, 8\n",
            "li 8, 16*41\n", $vector, " 24, 3, 8\n",
            "li 8, 16*42\n", $vector, " 25, 3, 8\n",
            "li 8, 16*43\n", $vector, " 26, 3, 8\n",
            "li 8, 16*44\n", $vector, " 27, 3, 8\n",
            "li 8, 16*45\n", $vector, " 28, 3, 8\n",
            "li 8, 16*46\n", $vector, " 29, 3, 8\n",
            "li 8, 16*47\n", $vector, " 30, 3, 8\n",
            "li 8, 16*48\n", $vector, " 31, 3, 8\n",
        )
    };
}

macro_rules! store {
    () => {
        by_width!("stw", "std")
    };
}

macro_rules! load {
    () => {
        by_width!("lwz", "ld")
    };
}

/// Call the function pointer in r5, with its TOC if it brings one, and come back with our own.
#[cfg(target_pointer_width = "32")]
macro_rules! call_r5 {
    () => {
        "mtctr 5
         bctrl\n"
    };
}
#[cfg(all(target_pointer_width = "64", target_abi = "elfv2"))]
macro_rules! call_r5 {
    () => {
        "std 2, 24(1)
         mr 12, 5
         mtctr 12
         bctrl
         ld 2, 24(1)\n"
    };
}
#[cfg(all(target_pointer_width = "64", not(target_abi = "elfv2")))]
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

/// Where a callee saves its return address, in its caller's frame.
macro_rules! return_address {
    () => {
        by_width!("4+912(1)", "16+912(1)")
    };
}

#[unsafe(naked)]
pub(in crate::battery) unsafe extern "C" fn hold(
    patterns: &Slots,
    seen: &mut Slots,
    exchange: Exchange,
    argument: *mut u8,
) {
    naked_asm!(
        // A frame: what a callee may use, `seen`, `patterns`, and slots for the caller's registers.
        "mflr 0",
        by_width!("stwu 1, -912(1)", "stdu 1, -912(1)"),
        concat!(store!(), " 0, ", return_address!()),
        concat!(store!(), " 4, 112(1)"),
        concat!(store!(), " 3, 120(1)"),
        "mr 7, 3",
        "addi 3, 1, 128",
        each!(store!(), "stfd", "stvx"),
        "mfcr 0",
        "stw 0, 16*36(3)",
        "mr 3, 7",
        each!(load!(), "lfd", "lvx"),
        "lwz 0, 16*36(3)",
        "mtcrf 0x38, 0",
        "mr 3, 6",
        call_r5!(),
        concat!(load!(), " 3, 112(1)"),
        each!(store!(), "stfd", "stvx"),
        // The pattern with its own bits of cr2-cr4.
        "mfcr 0",
        concat!(load!(), " 7, 120(1)"),
        "lwz 4, 16*36(7)",
        "rlwimi 4, 0, 0, 8, 19",
        "stw 4, 16*36(3)",
        "addi 3, 1, 128",
        each!(load!(), "lfd", "lvx"),
        "lwz 0, 16*36(3)",
        "mtcrf 0x38, 0",
        concat!(load!(), " 0, ", return_address!()),
        "mtlr 0",
        "addi 1, 1, 912",
        "blr",
    )
}

handed_out! {
    general {
        0 "r0" 1 "r3" 2 "r4" 3 "r5" 4 "r6" 5 "r7" 6 "r8" 7 "r9" 8 "r10" 9 "r11" 10 "r12" 11 "r14"
        12 "r15" 13 "r16" 14 "r17" 15 "r18" 16 "r19" 17 "r20" 18 "r21" 19 "r22" 20 "r23" 21 "r24"
        22 "r25" 23 "r26" 24 "r27" 25 "r28"
    }
    float {
        0 "f0" 1 "f1" 2 "f2" 3 "f3" 4 "f4" 5 "f5" 6 "f6" 7 "f7" 8 "f8" 9 "f9" 10 "f10" 11 "f11"
        12 "f12" 13 "f13" 14 "f14" 15 "f15" 16 "f16" 17 "f17" 18 "f18" 19 "f19" 20 "f20" 21 "f21"
        22 "f22" 23 "f23" 24 "f24" 25 "f25" 26 "f26" 27 "f27" 28 "f28" 29 "f29" 30 "f30" 31 "f31"
    }
}
