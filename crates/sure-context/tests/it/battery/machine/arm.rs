//! Procedure Call Standard for the Arm Architecture, 6.1.

use super::{Exchange, Register, Slots};
use core::arch::naked_asm;

pub(in crate::battery) const REGISTERS: &[Register] = &[
    ("r4", 4),
    ("r5", 4),
    ("r6", 4),
    ("r7", 4),
    ("r8", 4),
    ("r9", 4),
    ("r10", 4),
    ("r11", 4),
    ("d8", 8),
    ("d9", 8),
    ("d10", 8),
    ("d11", 8),
    ("d12", 8),
    ("d13", 8),
    ("d14", 8),
    ("d15", 8),
];

/// The same for every register: `ldr`/`vldr` from the slots at r0, or `str`/`vstr` to them.
#[rustfmt::skip]
macro_rules! each {
    ($integer:literal, $float:literal) => {
        concat!(
            $integer, " r4, [r0, #0]\n",
            $integer, " r5, [r0, #16]\n",
            $integer, " r6, [r0, #32]\n",
            $integer, " r7, [r0, #48]\n",
            $integer, " r8, [r0, #64]\n",
            $integer, " r9, [r0, #80]\n",
            $integer, " r10, [r0, #96]\n",
            $integer, " r11, [r0, #112]\n",
            $float, " d8, [r0, #128]\n",
            $float, " d9, [r0, #144]\n",
            $float, " d10, [r0, #160]\n",
            $float, " d11, [r0, #176]\n",
            $float, " d12, [r0, #192]\n",
            $float, " d13, [r0, #208]\n",
            $float, " d14, [r0, #224]\n",
            $float, " d15, [r0, #240]\n",
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
        // A frame: lr, `seen`, and slots for the caller's registers.
        "sub sp, sp, #272",
        "str lr, [sp]",
        "str r1, [sp, #4]",
        "mov r12, r0",
        "add r0, sp, #16",
        each!("str", "vstr"),
        "mov r0, r12",
        each!("ldr", "vldr"),
        "mov r0, r3",
        "blx r2",
        "ldr r0, [sp, #4]",
        each!("str", "vstr"),
        "add r0, sp, #16",
        each!("ldr", "vldr"),
        "ldr lr, [sp]",
        "add sp, sp, #272",
        "bx lr",
    )
}

handed_out! {
    general {
        0 "r0" 1 "r1" 2 "r2" 3 "r3" 4 "r4" 5 "r5" 6 "r8" 7 "r9" 8 "r10" 9 "r12" 10 "r14"
    }
    float {
        0 "d0" 1 "d1" 2 "d2" 3 "d3" 4 "d4" 5 "d5" 6 "d6" 7 "d7" 8 "d8" 9 "d9" 10 "d10" 11 "d11"
        12 "d12" 13 "d13" 14 "d14" 15 "d15"
    }
}
