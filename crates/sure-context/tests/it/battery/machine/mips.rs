//! o32: System V ABI, MIPS RISC Processor Supplement, 3-11 ff. n64: MIPSpro N32
//! ABI Handbook, chapter 2.

use super::{Exchange, Register, Slots};
use core::arch::naked_asm;

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
    ("fp", WORD),
    #[cfg(target_pointer_width = "64")]
    ("gp", WORD),
    #[cfg(target_pointer_width = "32")]
    ("f20", 8),
    #[cfg(target_pointer_width = "32")]
    ("f22", 8),
    ("f24", 8),
    #[cfg(target_pointer_width = "64")]
    ("f25", 8),
    ("f26", 8),
    #[cfg(target_pointer_width = "64")]
    ("f27", 8),
    ("f28", 8),
    #[cfg(target_pointer_width = "64")]
    ("f29", 8),
    ("f30", 8),
    #[cfg(target_pointer_width = "64")]
    ("f31", 8),
];

/// The same for every register: loaded from the slots at $4, or stored to them.
#[rustfmt::skip]
macro_rules! each {
    ($integer:expr, $float:literal) => {
        concat!(
            $integer, " $16, 16*0($4)\n",
            $integer, " $17, 16*1($4)\n",
            $integer, " $18, 16*2($4)\n",
            $integer, " $19, 16*3($4)\n",
            $integer, " $20, 16*4($4)\n",
            $integer, " $21, 16*5($4)\n",
            $integer, " $22, 16*6($4)\n",
            $integer, " $23, 16*7($4)\n",
            $integer, " $30, 16*8($4)\n",
            by_width!(
                concat!(
                    $float, " $f20, 16*9($4)\n",
                    $float, " $f22, 16*10($4)\n",
                    $float, " $f24, 16*11($4)\n",
                    $float, " $f26, 16*12($4)\n",
                    $float, " $f28, 16*13($4)\n",
                    $float, " $f30, 16*14($4)\n",
                ),
                concat!(
                    $integer, " $28, 16*9($4)\n",
                    $float, " $f24, 16*10($4)\n",
                    $float, " $f25, 16*11($4)\n",
                    $float, " $f26, 16*12($4)\n",
                    $float, " $f27, 16*13($4)\n",
                    $float, " $f28, 16*14($4)\n",
                    $float, " $f29, 16*15($4)\n",
                    $float, " $f30, 16*16($4)\n",
                    $float, " $f31, 16*17($4)\n",
                )
            ),
        )
    };
}

macro_rules! store {
    () => {
        by_width!("sw", "sd")
    };
}

macro_rules! load {
    () => {
        by_width!("lw", "ld")
    };
}

macro_rules! add {
    () => {
        by_width!("addiu", "daddiu")
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
        ".set push",
        ".set noreorder",
        // A frame: a callee's home area, ra, `seen`, `patterns`, and slots for the caller's registers.
        concat!(add!(), " $29, $29, -336"),
        concat!(store!(), " $31, 16($29)"),
        concat!(store!(), " $5, 24($29)"),
        concat!(store!(), " $4, 32($29)"),
        concat!(add!(), " $4, $29, 48"),
        each!(store!(), "sdc1"),
        concat!(load!(), " $4, 32($29)"),
        each!(load!(), "ldc1"),
        "move $25, $6",
        "jalr $25",
        "move $4, $7",
        concat!(load!(), " $4, 24($29)"),
        each!(store!(), "sdc1"),
        concat!(add!(), " $4, $29, 48"),
        each!(load!(), "ldc1"),
        concat!(load!(), " $31, 16($29)"),
        "jr $31",
        concat!(add!(), " $29, $29, 336"),
        ".set pop",
    )
}

handed_out! {
    general {
        0 "$2" 1 "$3" 2 "$4" 3 "$5" 4 "$6" 5 "$7" 6 "$8" 7 "$9" 8 "$10" 9 "$11" 10 "$12" 11 "$13"
        12 "$14" 13 "$15" 14 "$16" 15 "$17" 16 "$18" 17 "$19" 18 "$20" 19 "$21" 20 "$22" 21 "$23"
        22 "$24" 23 "$25"
    }
    float {
        0 "$f0" 1 "$f2" 2 "$f4" 3 "$f6" 4 "$f8" 5 "$f10" 6 "$f12" 7 "$f14" 8 "$f16" 9 "$f18"
        10 "$f20" 11 "$f22" 12 "$f24" 13 "$f26" 14 "$f28" 15 "$f30"
    }
}
