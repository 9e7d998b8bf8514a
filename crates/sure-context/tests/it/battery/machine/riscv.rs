//! ilp32d and lp64d: RISC-V Calling Conventions, register tables.

use super::{Exchange, Register, Slots};
use core::arch::naked_asm;
use core::mem::size_of;

const WORD: usize = size_of::<usize>();

pub(in crate::battery) const REGISTERS: &[Register] = &[
    ("s0", WORD),
    ("s1", WORD),
    ("s2", WORD),
    ("s3", WORD),
    ("s4", WORD),
    ("s5", WORD),
    ("s6", WORD),
    ("s7", WORD),
    ("s8", WORD),
    ("s9", WORD),
    ("s10", WORD),
    ("s11", WORD),
    ("fs0", 8),
    ("fs1", 8),
    ("fs2", 8),
    ("fs3", 8),
    ("fs4", 8),
    ("fs5", 8),
    ("fs6", 8),
    ("fs7", 8),
    ("fs8", 8),
    ("fs9", 8),
    ("fs10", 8),
    ("fs11", 8),
];

/// The same for every register: loaded from the slots at a0, or stored to them.
#[rustfmt::skip]
macro_rules! each {
    ($integer:expr, $float:literal) => {
        concat!(
            $integer, " s0, 0(a0)\n",
            $integer, " s1, 16(a0)\n",
            $integer, " s2, 32(a0)\n",
            $integer, " s3, 48(a0)\n",
            $integer, " s4, 64(a0)\n",
            $integer, " s5, 80(a0)\n",
            $integer, " s6, 96(a0)\n",
            $integer, " s7, 112(a0)\n",
            $integer, " s8, 128(a0)\n",
            $integer, " s9, 144(a0)\n",
            $integer, " s10, 160(a0)\n",
            $integer, " s11, 176(a0)\n",
            $float, " fs0, 192(a0)\n",
            $float, " fs1, 208(a0)\n",
            $float, " fs2, 224(a0)\n",
            $float, " fs3, 240(a0)\n",
            $float, " fs4, 256(a0)\n",
            $float, " fs5, 272(a0)\n",
            $float, " fs6, 288(a0)\n",
            $float, " fs7, 304(a0)\n",
            $float, " fs8, 320(a0)\n",
            $float, " fs9, 336(a0)\n",
            $float, " fs10, 352(a0)\n",
            $float, " fs11, 368(a0)\n",
        )
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
        // Not every compiler tells its assembler what the target has.
        ".option push",
        ".option arch, +d",
        // A frame: ra, `seen`, and slots for the caller's registers.
        "addi sp, sp, -400",
        by_width!("sw ra, 0(sp)", "sd ra, 0(sp)"),
        by_width!("sw a1, 8(sp)", "sd a1, 8(sp)"),
        "mv a4, a0",
        "addi a0, sp, 16",
        each!(by_width!("sw", "sd"), "fsd"),
        "mv a0, a4",
        each!(by_width!("lw", "ld"), "fld"),
        "mv a0, a3",
        "jalr a2",
        by_width!("lw a0, 8(sp)", "ld a0, 8(sp)"),
        each!(by_width!("sw", "sd"), "fsd"),
        "addi a0, sp, 16",
        each!(by_width!("lw", "ld"), "fld"),
        by_width!("lw ra, 0(sp)", "ld ra, 0(sp)"),
        "addi sp, sp, 400",
        "ret",
        ".option pop",
    )
}

handed_out! {
    general {
        0 "x1" 1 "x5" 2 "x6" 3 "x7" 4 "x10" 5 "x11" 6 "x12" 7 "x13" 8 "x14" 9 "x15" 10 "x16"
        11 "x17" 12 "x18" 13 "x19" 14 "x20" 15 "x21" 16 "x22" 17 "x23" 18 "x24" 19 "x25" 20 "x26"
        21 "x27" 22 "x28" 23 "x29" 24 "x30" 25 "x31"
    }
    float {
        0 "f0" 1 "f1" 2 "f2" 3 "f3" 4 "f4" 5 "f5" 6 "f6" 7 "f7" 8 "f8" 9 "f9" 10 "f10" 11 "f11"
        12 "f12" 13 "f13" 14 "f14" 15 "f15" 16 "f16" 17 "f17" 18 "f18" 19 "f19" 20 "f20" 21 "f21"
        22 "f22" 23 "f23" 24 "f24" 25 "f25" 26 "f26" 27 "f27" 28 "f28" 29 "f29" 30 "f30" 31 "f31"
    }
}
