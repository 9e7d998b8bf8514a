//! Procedure Call Standard for the Arm 64-bit Architecture, 6.1.

use super::{Exchange, Register, Slots};
use core::arch::naked_asm;

pub(in crate::battery) const REGISTERS: &[Register] = &[
    ("x19", 8),
    ("x20", 8),
    ("x21", 8),
    ("x22", 8),
    ("x23", 8),
    ("x24", 8),
    ("x25", 8),
    ("x26", 8),
    ("x27", 8),
    ("x28", 8),
    ("x29", 8),
    ("d8", 8),
    ("d9", 8),
    ("d10", 8),
    ("d11", 8),
    ("d12", 8),
    ("d13", 8),
    ("d14", 8),
    ("d15", 8),
];

/// The same for every register: `ldr` from the slots at x0, or `str` to them.
#[rustfmt::skip]
macro_rules! each {
    ($move:literal) => {
        concat!(
            $move, " x19, [x0]\n",
            $move, " x20, [x0, 16]\n",
            $move, " x21, [x0, 32]\n",
            $move, " x22, [x0, 48]\n",
            $move, " x23, [x0, 64]\n",
            $move, " x24, [x0, 80]\n",
            $move, " x25, [x0, 96]\n",
            $move, " x26, [x0, 112]\n",
            $move, " x27, [x0, 128]\n",
            $move, " x28, [x0, 144]\n",
            $move, " x29, [x0, 160]\n",
            $move, " d8, [x0, 176]\n",
            $move, " d9, [x0, 192]\n",
            $move, " d10, [x0, 208]\n",
            $move, " d11, [x0, 224]\n",
            $move, " d12, [x0, 240]\n",
            $move, " d13, [x0, 256]\n",
            $move, " d14, [x0, 272]\n",
            $move, " d15, [x0, 288]\n",
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
        "sub sp, sp, 320",
        "stp x30, x1, [sp]",
        "mov x4, x0",
        "add x0, sp, 16",
        each!("str"),
        "mov x0, x4",
        each!("ldr"),
        "mov x0, x3",
        "blr x2",
        "ldr x0, [sp, 8]",
        each!("str"),
        "add x0, sp, 16",
        each!("ldr"),
        "ldr x30, [sp]",
        "add sp, sp, 320",
        "ret",
    )
}

handed_out! {
    general {
        0 "x0" 1 "x1" 2 "x2" 3 "x3" 4 "x4" 5 "x5" 6 "x6" 7 "x7" 8 "x8" 9 "x9" 10 "x10" 11 "x11"
        12 "x12" 13 "x13" 14 "x14" 15 "x15" 16 "x16" 17 "x17" 18 "x20" 19 "x21" 20 "x22" 21 "x23"
        22 "x24" 23 "x25" 24 "x26" 25 "x27" 26 "x28" 27 "x30"
    }
    float {
        0 "v0" 1 "v1" 2 "v2" 3 "v3" 4 "v4" 5 "v5" 6 "v6" 7 "v7" 8 "v8" 9 "v9" 10 "v10" 11 "v11"
        12 "v12" 13 "v13" 14 "v14" 15 "v15" 16 "v16" 17 "v17" 18 "v18" 19 "v19" 20 "v20" 21 "v21"
        22 "v22" 23 "v23" 24 "v24" 25 "v25" 26 "v26" 27 "v27" 28 "v28" 29 "v29" 30 "v30" 31 "v31"
    }
}
