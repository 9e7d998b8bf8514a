//! lp64d: LoongArch ELF psABI, register convention.

use super::{Exchange, Register, Slots};
use core::arch::naked_asm;

pub(in crate::battery) const REGISTERS: &[Register] = &[
    ("fp", 8),
    ("s0", 8),
    ("s1", 8),
    ("s2", 8),
    ("s3", 8),
    ("s4", 8),
    ("s5", 8),
    ("s6", 8),
    ("s7", 8),
    ("s8", 8),
    ("fs0", 8),
    ("fs1", 8),
    ("fs2", 8),
    ("fs3", 8),
    ("fs4", 8),
    ("fs5", 8),
    ("fs6", 8),
    ("fs7", 8),
];

/// The same for every register: loads from the slots at $a0, or stores to them.
#[rustfmt::skip]
macro_rules! each {
    ($integer:literal, $float:literal) => {
        concat!(
            $integer, " $fp, $a0, 0\n",
            $integer, " $s0, $a0, 16\n",
            $integer, " $s1, $a0, 32\n",
            $integer, " $s2, $a0, 48\n",
            $integer, " $s3, $a0, 64\n",
            $integer, " $s4, $a0, 80\n",
            $integer, " $s5, $a0, 96\n",
            $integer, " $s6, $a0, 112\n",
            $integer, " $s7, $a0, 128\n",
            $integer, " $s8, $a0, 144\n",
            $float, " $fs0, $a0, 160\n",
            $float, " $fs1, $a0, 176\n",
            $float, " $fs2, $a0, 192\n",
            $float, " $fs3, $a0, 208\n",
            $float, " $fs4, $a0, 224\n",
            $float, " $fs5, $a0, 240\n",
            $float, " $fs6, $a0, 256\n",
            $float, " $fs7, $a0, 272\n",
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
        // A frame: ra, `seen`, and slots for the caller's registers.
        "addi.d $sp, $sp, -304",
        "st.d $ra, $sp, 0",
        "st.d $a1, $sp, 8",
        "move $a4, $a0",
        "addi.d $a0, $sp, 16",
        each!("st.d", "fst.d"),
        "move $a0, $a4",
        each!("ld.d", "fld.d"),
        "move $a0, $a3",
        "jirl $ra, $a2, 0",
        "ld.d $a0, $sp, 8",
        each!("st.d", "fst.d"),
        "addi.d $a0, $sp, 16",
        each!("ld.d", "fld.d"),
        "ld.d $ra, $sp, 0",
        "addi.d $sp, $sp, 304",
        "ret",
    )
}

handed_out! {
    general {
        0 "$r1" 1 "$r4" 2 "$r5" 3 "$r6" 4 "$r7" 5 "$r8" 6 "$r9" 7 "$r10" 8 "$r11" 9 "$r12" 10 "$r13"
        11 "$r14" 12 "$r15" 13 "$r16" 14 "$r17" 15 "$r18" 16 "$r19" 17 "$r20" 18 "$r23" 19 "$r24"
        20 "$r25" 21 "$r26" 22 "$r27" 23 "$r28" 24 "$r29" 25 "$r30"
    }
    float {
        0 "$f0" 1 "$f1" 2 "$f2" 3 "$f3" 4 "$f4" 5 "$f5" 6 "$f6" 7 "$f7" 8 "$f8" 9 "$f9" 10 "$f10"
        11 "$f11" 12 "$f12" 13 "$f13" 14 "$f14" 15 "$f15" 16 "$f16" 17 "$f17" 18 "$f18" 19 "$f19"
        20 "$f20" 21 "$f21" 22 "$f22" 23 "$f23" 24 "$f24" 25 "$f25" 26 "$f26" 27 "$f27" 28 "$f28"
        29 "$f29" 30 "$f30" 31 "$f31"
    }
}
