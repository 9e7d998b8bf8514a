//! The o32 ABI: words of 32 bits, and of the floating-point registers the even
//! ones $f20-$f30 (System V ABI, MIPS RISC Processor Supplement, 3rd edition,
//! 3-11 ff.). `sdc1` and `ldc1` of an even register move all 64 bits of it,
//! whichever way the processor pairs its registers.

use super::shape::Pair;
use crate::Word;
use core::mem::{MaybeUninit, transmute};
use core::ptr;

pub(crate) const STACK_ALIGNMENT: usize = 8;

pub(super) const FRAME: usize = 96;

pub(super) type Floats = [u64; 6];

/// Four arguments have a place in their caller's frame.
pub(super) type Home = [usize; 4];

/// A structure would be returned in memory, but 64 bits in $2 and $3.
#[repr(transparent)]
pub(super) struct Registers(u64);

impl From<Registers> for Pair {
    #[inline(always)]
    fn from(registers: Registers) -> Pair {
        // SAFETY: any 64 bits are two numbers.
        let [from_and_signal, word] = unsafe { transmute::<u64, [usize; 2]>(registers.0) };
        Pair {
            from_and_signal,
            word: Word(MaybeUninit::new(ptr::with_exposed_provenance_mut(word))),
        }
    }
}

macro_rules! frame_size {
    () => {
        "96"
    };
}

/// Bytes of a `Home`.
macro_rules! home_size {
    () => {
        "16"
    };
}

macro_rules! words_at {
    () => {
        ", 48+4*"
    };
}

macro_rules! load {
    () => {
        "lw"
    };
}

macro_rules! store {
    () => {
        "sw"
    };
}

macro_rules! add {
    () => {
        "addiu"
    };
}

/// A line for each floating-point register of a `Saved`: its number, and where it is.
#[rustfmt::skip]
macro_rules! each_float {
    ($before:literal, $after:expr) => {
        concat!(
            $before, 20, ", 0", $after,
            $before, 22, ", 8", $after,
            $before, 24, ", 16", $after,
            $before, 26, ", 24", $after,
            $before, 28, ", 32", $after,
            $before, 30, ", 40", $after,
        )
    };
}

/// Bytes from a register's place to that of its lower and of its upper half.
#[cfg(target_endian = "little")]
macro_rules! half {
    (lower) => {
        "+0\n"
    };
    (upper) => {
        "+4\n"
    };
}
#[cfg(target_endian = "big")]
macro_rules! half {
    (lower) => {
        "+4\n"
    };
    (upper) => {
        "+0\n"
    };
}

/// CFI: the halves of a floating-point register have numbers of their own, from
/// 32; the odd one is that of the upper half.
macro_rules! float_offsets {
    () => {
        concat!(
            each_float!(".cfi_rel_offset 32+", half!(lower)),
            each_float!(".cfi_rel_offset 33+", half!(upper)),
        )
    };
}

/// CFI, as DW_CFA_def_cfa_expression: DW_OP_breg17 (s1) 0, DW_OP_deref,
/// DW_OP_plus_uconst 96.
macro_rules! root_frame_address {
    () => {
        ".cfi_escape 0x0f, 5, 0x81, 0, 0x06, 0x23, 96"
    };
}
