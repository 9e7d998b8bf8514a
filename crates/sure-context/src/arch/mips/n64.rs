//! The n64 ABI: words of 64 bits, and the floating-point registers $f24-$f31
//! (MIPSpro N32 ABI Handbook, chapter 2, whose register rules n64 shares).

pub(crate) const STACK_ALIGNMENT: usize = 16;

pub(super) const FRAME: usize = 160;

pub(super) type Floats = [u64; 8];

/// Arguments have no place in their caller's frame.
pub(super) type Home = ();

pub(super) use super::shape::Pair as Registers;

macro_rules! frame_size {
    () => {
        "160"
    };
}

/// Bytes of a `Home`.
macro_rules! home_size {
    () => {
        "0"
    };
}

macro_rules! words_at {
    () => {
        ", 64+8*"
    };
}

macro_rules! load {
    () => {
        "ld"
    };
}

macro_rules! store {
    () => {
        "sd"
    };
}

macro_rules! add {
    () => {
        "daddiu"
    };
}

/// A line for each floating-point register of a `Saved`: its number, and where it is.
#[rustfmt::skip]
macro_rules! each_float {
    ($before:literal, $after:expr) => {
        concat!(
            $before, 24, ", 0", $after,
            $before, 25, ", 8", $after,
            $before, 26, ", 16", $after,
            $before, 27, ", 24", $after,
            $before, 28, ", 32", $after,
            $before, 29, ", 40", $after,
            $before, 30, ", 48", $after,
            $before, 31, ", 56", $after,
        )
    };
}

/// CFI: floating-point registers are numbered from 32.
macro_rules! float_offsets {
    () => {
        each_float!(".cfi_rel_offset 32+", "\n")
    };
}

/// CFI, as DW_CFA_def_cfa_expression: DW_OP_breg17 (s1) 0, DW_OP_deref,
/// DW_OP_plus_uconst 160.
macro_rules! root_frame_address {
    () => {
        ".cfi_escape 0x0f, 6, 0x81, 0, 0x06, 0x23, 0xa0, 1"
    };
}
