//! SPARC Compliance Definition 2.4, 3P: the window, all but %fp and the return address.

use super::{Exchange, Register, Slots};
use core::arch::naked_asm;

pub(in crate::battery) const REGISTERS: &[Register] = &[
    ("l0", 8),
    ("l1", 8),
    ("l2", 8),
    ("l3", 8),
    ("l4", 8),
    ("l5", 8),
    ("l6", 8),
    ("l7", 8),
    ("i0", 8),
    ("i1", 8),
    ("i2", 8),
    ("i3", 8),
    ("i4", 8),
    ("i5", 8),
];

#[unsafe(naked)]
pub(in crate::battery) unsafe extern "C" fn hold(
    patterns: &Slots,
    seen: &mut Slots,
    exchange: Exchange,
    argument: *mut u8,
) {
    naked_asm!(
        // A frame: the window, six arguments of a callee, `seen`.
        "save %sp, -192, %sp",
        "stx %i1, [%sp + 2047 + 176]",
        "mov %i0, %g4",
        "mov %i2, %g1",
        "mov %i3, %o0",
        "ldx [%g4 + 0], %l0",
        "ldx [%g4 + 16], %l1",
        "ldx [%g4 + 32], %l2",
        "ldx [%g4 + 48], %l3",
        "ldx [%g4 + 64], %l4",
        "ldx [%g4 + 80], %l5",
        "ldx [%g4 + 96], %l6",
        "ldx [%g4 + 112], %l7",
        "ldx [%g4 + 128], %i0",
        "ldx [%g4 + 144], %i1",
        "ldx [%g4 + 160], %i2",
        "ldx [%g4 + 176], %i3",
        "ldx [%g4 + 192], %i4",
        "ldx [%g4 + 208], %i5",
        "call %g1",
        "nop",
        "ldx [%sp + 2047 + 176], %g4",
        "stx %l0, [%g4 + 0]",
        "stx %l1, [%g4 + 16]",
        "stx %l2, [%g4 + 32]",
        "stx %l3, [%g4 + 48]",
        "stx %l4, [%g4 + 64]",
        "stx %l5, [%g4 + 80]",
        "stx %l6, [%g4 + 96]",
        "stx %l7, [%g4 + 112]",
        "stx %i0, [%g4 + 128]",
        "stx %i1, [%g4 + 144]",
        "stx %i2, [%g4 + 160]",
        "stx %i3, [%g4 + 176]",
        "stx %i4, [%g4 + 192]",
        "stx %i5, [%g4 + 208]",
        "ret",
        "restore",
    )
}

handed_out! {
    general {
        0 "g2" 1 "g3" 2 "g4" 3 "o0" 4 "o1" 5 "o2" 6 "o3" 7 "o4" 8 "o5" 9 "o7" 10 "l0" 11 "l1"
        12 "l2" 13 "l3" 14 "l4" 15 "l5" 16 "l6" 17 "l7" 18 "i0" 19 "i1" 20 "i2" 21 "i3" 22 "i4"
        23 "i5"
    }
    float {}
}
