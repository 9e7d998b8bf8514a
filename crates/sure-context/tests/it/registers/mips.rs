//! o32: System V ABI, MIPS RISC Processor Supplement, 3-11 ff.

use super::{Exchange, Register, Slots};
use std::arch::naked_asm;

pub(super) const REGISTERS: [Register; 15] = [
    ("s0", 4),
    ("s1", 4),
    ("s2", 4),
    ("s3", 4),
    ("s4", 4),
    ("s5", 4),
    ("s6", 4),
    ("s7", 4),
    ("fp", 4),
    ("f20", 8),
    ("f22", 8),
    ("f24", 8),
    ("f26", 8),
    ("f28", 8),
    ("f30", 8),
];

/// The same for every register: `lw`/`ldc1` from the patterns in $4, or
/// `sw`/`sdc1` to `$4`, one slot after the other.
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
            " $30, 128($4)\n",
            $float,
            " $f20, 144($4)\n",
            $float,
            " $f22, 160($4)\n",
            $float,
            " $f24, 176($4)\n",
            $float,
            " $f26, 192($4)\n",
            $float,
            " $f28, 208($4)\n",
            $float,
            " $f30, 224($4)\n",
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
        // A frame: the home area, `seen`, ra, patterns, and slots for the caller's registers.
        "addiu $29, $29, -272",
        "sw $31, 16($29)",
        "sw $5, 20($29)",
        "sw $4, 24($29)",
        "addiu $4, $29, 32",
        each!("sw", "sdc1"),
        "lw $4, 24($29)",
        each!("lw", "ldc1"),
        "move $25, $6",
        "jalr $25",
        "move $4, $7",
        "lw $4, 20($29)",
        each!("sw", "sdc1"),
        "addiu $4, $29, 32",
        each!("lw", "ldc1"),
        "lw $31, 16($29)",
        "jr $31",
        "addiu $29, $29, 272",
        ".set pop",
    )
}
