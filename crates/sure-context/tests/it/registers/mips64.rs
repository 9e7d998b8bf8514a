//! n64: MIPSpro N32 ABI Handbook, chapter 2.

use super::{Exchange, Register, Slots};
use std::arch::naked_asm;

pub(super) const REGISTERS: [Register; 18] = [
    ("s0", 8),
    ("s1", 8),
    ("s2", 8),
    ("s3", 8),
    ("s4", 8),
    ("s5", 8),
    ("s6", 8),
    ("s7", 8),
    ("gp", 8),
    ("fp", 8),
    ("f24", 8),
    ("f25", 8),
    ("f26", 8),
    ("f27", 8),
    ("f28", 8),
    ("f29", 8),
    ("f30", 8),
    ("f31", 8),
];

/// The same for every register: `ld`/`ldc1` from the patterns in $4, or
/// `sd`/`sdc1` to `$4`, one slot after the other.
macro_rules! each {
    ($integer:literal, $float:literal) => {
        concat!(
            $integer,
            " $16, 0($4)\n",
            $integer,
            " $17, 16($4)\n",
            $integer,
            " $18, 32($4)\n",
            $integer,
            " $19, 48($4)\n",
            $integer,
            " $20, 64($4)\n",
            $integer,
            " $21, 80($4)\n",
            $integer,
            " $22, 96($4)\n",
            $integer,
            " $23, 112($4)\n",
            $integer,
            " $28, 128($4)\n",
            $integer,
            " $30, 144($4)\n",
            $float,
            " $f24, 160($4)\n",
            $float,
            " $f25, 176($4)\n",
            $float,
            " $f26, 192($4)\n",
            $float,
            " $f27, 208($4)\n",
            $float,
            " $f28, 224($4)\n",
            $float,
            " $f29, 240($4)\n",
            $float,
            " $f30, 256($4)\n",
            $float,
            " $f31, 272($4)\n",
        )
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
        ".set push",
        ".set noreorder",
        // A frame: ra, `seen`, `patterns`, and slots for the caller's registers.
        "daddiu $29, $29, -336",
        "sd $31, 0($29)",
        "sd $5, 8($29)",
        "sd $4, 16($29)",
        "daddiu $4, $29, 48",
        each!("sd", "sdc1"),
        "ld $4, 16($29)",
        each!("ld", "ldc1"),
        "move $25, $6",
        "jalr $25",
        "move $4, $7",
        "ld $4, 8($29)",
        each!("sd", "sdc1"),
        "daddiu $4, $29, 48",
        each!("ld", "ldc1"),
        "ld $31, 0($29)",
        "jr $31",
        "daddiu $29, $29, 336",
        ".set pop",
    )
}
