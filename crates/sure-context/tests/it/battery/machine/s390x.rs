//! ELF Application Binary Interface, s390x Supplement, 1.2.2.

use super::{Exchange, Register, Slots};
use core::arch::naked_asm;

pub(in crate::battery) const REGISTERS: &[Register] = &[
    ("r6", 8),
    ("r7", 8),
    ("r8", 8),
    ("r9", 8),
    ("r10", 8),
    ("r11", 8),
    ("r12", 8),
    ("r13", 8),
    ("f8", 8),
    ("f9", 8),
    ("f10", 8),
    ("f11", 8),
    ("f12", 8),
    ("f13", 8),
    ("f14", 8),
    ("f15", 8),
];

/// The same for every register: `lg`/`ld` from the slots at r2, or `stg`/`std` to them.
#[rustfmt::skip]
macro_rules! each {
    ($integer:literal, $float:literal) => {
        concat!(
            $integer, " %r6, 0(%r2)\n",
            $integer, " %r7, 16(%r2)\n",
            $integer, " %r8, 32(%r2)\n",
            $integer, " %r9, 48(%r2)\n",
            $integer, " %r10, 64(%r2)\n",
            $integer, " %r11, 80(%r2)\n",
            $integer, " %r12, 96(%r2)\n",
            $integer, " %r13, 112(%r2)\n",
            $float, " %f8, 128(%r2)\n",
            $float, " %f9, 144(%r2)\n",
            $float, " %f10, 160(%r2)\n",
            $float, " %f11, 176(%r2)\n",
            $float, " %f12, 192(%r2)\n",
            $float, " %f13, 208(%r2)\n",
            $float, " %f14, 224(%r2)\n",
            $float, " %f15, 240(%r2)\n",
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
        // A frame: the save area of a callee, r14, `seen`, and slots for the caller's registers.
        "lay %r15, -432(%r15)",
        "stg %r14, 160(%r15)",
        "stg %r3, 168(%r15)",
        "lgr %r1, %r2",
        "la %r2, 176(%r15)",
        each!("stg", "std"),
        "lgr %r2, %r1",
        each!("lg", "ld"),
        "lgr %r2, %r5",
        "basr %r14, %r4",
        "lg %r2, 168(%r15)",
        each!("stg", "std"),
        "la %r2, 176(%r15)",
        each!("lg", "ld"),
        "lg %r14, 160(%r15)",
        "la %r15, 432(%r15)",
        "br %r14",
    )
}

handed_out! {
    general {
        0 "r0" 1 "r1" 2 "r2" 3 "r3" 4 "r4" 5 "r5" 6 "r6" 7 "r7" 8 "r8" 9 "r9" 10 "r10" 11 "r12"
        12 "r13" 13 "r14"
    }
    float {
        0 "f0" 1 "f1" 2 "f2" 3 "f3" 4 "f4" 5 "f5" 6 "f6" 7 "f7" 8 "f8" 9 "f9" 10 "f10" 11 "f11"
        12 "f12" 13 "f13" 14 "f14" 15 "f15"
    }
}
