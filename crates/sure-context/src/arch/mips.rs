//! MIPS with hardware floating point, releases 2 to 6, either byte order: 32
//! bits, o32 ABI (`mips/o32.rs`); 64 bits, n64 ABI (`mips/n64.rs`).
//!
//! Non-volatile are $16-$23 (s0-s7), $29 (sp), $30 (fp), in n64 $28 (gp), and
//! some floating-point registers. In o32, $28 belongs to the function that
//! runs; a caller restores it, but from where it likes, so it is saved too.
//!
//! The compiler keeps values in $1, which `asm!` cannot name: so the switch is
//! out of line, where $1, hi, lo and all the temporaries are volatile. It
//! returns two words in $2 and $3.

use super::Entry;
use core::arch::naked_asm;
use core::mem::{MaybeUninit, offset_of, size_of};

#[macro_use]
#[cfg_attr(target_pointer_width = "32", path = "mips/o32.rs")]
#[cfg_attr(target_pointer_width = "64", path = "mips/n64.rs")]
mod abi;

use abi::{Floats, Home, Registers};

pub(crate) use abi::STACK_ALIGNMENT;

pub(crate) const BYTES_BELOW: usize = 0;

/// The frame of a suspended switch; a context is its address, which is the
/// stack pointer.
#[repr(C)]
#[cfg_attr(target_pointer_width = "64", repr(align(16)))]
struct Saved {
    floats: Floats,
    s0: Option<Entry>,
    s1: *mut u8,
    s2_s7: [usize; 6],
    gp: usize,
    fp: usize,
    ra: *const u8,
}

const _: () = assert!(offset_of!(Saved, ra) == size_of::<Floats>() + 10 * size_of::<usize>());
const _: () = assert!(size_of::<Saved>() == abi::FRAME);

/// Where in a `Saved` a context points.
const CONTEXT: usize = 0;

impl Saved {
    fn stack_pointer(&self) -> usize {
        core::ptr::from_ref(self).addr()
    }
}

/// Above the registers, what `entry` may store its arguments to.
#[repr(C)]
struct FirstFrame {
    saved: Saved,
    home: MaybeUninit<Home>,
}

/// Where in a first frame its `Saved` is.
const SAVED: usize = offset_of!(FirstFrame, saved);

impl FirstFrame {
    /// That of an execution that will begin in `root`.
    fn first(_: usize, entry: Entry, object: *mut u8) -> FirstFrame {
        FirstFrame {
            saved: Saved {
                floats: [0; _],
                s0: Some(entry),
                s1: object,
                s2_s7: [0; 6],
                gp: 0,
                fp: 0,
                ra: root_address(),
            },
            home: MaybeUninit::uninit(),
        }
    }
}

/// A line for each word of a `Saved`: its register, and where it is.
macro_rules! each_word {
    ($before:expr, $after:literal) => {
        concat!(
            $before, 16, words_at!(), 0, $after,
            $before, 17, words_at!(), 1, $after,
            $before, 18, words_at!(), 2, $after,
            $before, 19, words_at!(), 3, $after,
            $before, 20, words_at!(), 4, $after,
            $before, 21, words_at!(), 5, $after,
            $before, 22, words_at!(), 6, $after,
            $before, 23, words_at!(), 7, $after,
            $before, 28, words_at!(), 8, $after,
            $before, 30, words_at!(), 9, $after,
            $before, 31, words_at!(), 10, $after,
        )
    };
}

/// CFI: the registers of a `Saved`, where the canonical frame address is its end.
macro_rules! saved_registers {
    () => {
        concat!(
            ".cfi_def_cfa_offset ", frame_size!(), "\n",
            each_word!(".cfi_rel_offset ", "\n"),
            float_offsets!(),
        )
    };
}

/// Assembly as it is written: no instructions but these, in this order.
macro_rules! verbatim {
    ($($line:expr,)*) => {
        concat!(
            ".set push
             .set noreorder
             .set nomacro
             .set noat\n",
            $($line, "\n",)*
            ".set pop\n",
        )
    };
}

/// Continue the context in $4. Its frame looks like the one that is left, so
/// the same unwind information serves from the first instruction on.
macro_rules! continue_other {
    () => {
        concat!(
            "move $29, $4\n",
            saved_registers!(),
            each_float!("ldc1 $f", "($29)\n"),
            each_word!(concat!(load!(), " $"), "($29)\n"),
            "jr $31\n",
            add!(), " $29, $29, ", frame_size!(),
        )
    };
}

/// The one switch, with or without storing the parent link: `(to, word,
/// signal, link)` in $4-$7.
macro_rules! exchange {
    ($store_link:expr) => {
        verbatim!(
            ".cfi_startproc",
            concat!(add!(), " $29, $29, -", frame_size!()),
            concat!(".cfi_def_cfa_offset ", frame_size!()),
            each_float!("sdc1 $f", "($29)\n"),
            each_word!(concat!(store!(), " $"), "($29)\n"),
            $store_link,
            "or $2, $29, $6",
            "move $3, $5",
            continue_other!(),
            ".cfi_endproc",
        )
    };
}

macro_rules! store_link {
    () => {
        concat!(store!(), " $29, 0($7)")
    };
}

/// As `exchange!`, but then the function in $6 is called with `(from, object)`,
/// on a stack that ends at $4, and as the end of every walk: nothing returns
/// there, and what lies above is about to be overwritten. `(top, object,
/// entry)` in $4-$6.
macro_rules! descend {
    () => {
        verbatim!(
            ".cfi_startproc",
            concat!(add!(), " $29, $29, -", frame_size!()),
            concat!(".cfi_def_cfa_offset ", frame_size!()),
            each_float!("sdc1 $f", "($29)\n"),
            each_word!(concat!(store!(), " $"), "($29)\n"),
            ".cfi_undefined 31",
            "move $2, $29",
            concat!(add!(), " $29, $4, -", home_size!()),
            "move $4, $2",
            "move $25, $6",
            "move $30, $0",
            "jr $25",
            "move $31, $0",
            ".cfi_endproc",
        )
    };
}

/// Continues the other side for good; it receives a null `from`: `(to, word,
/// signal)` in $4-$6.
macro_rules! depart {
    () => {
        verbatim!(
            ".cfi_startproc",
            "move $2, $6",
            "move $3, $5",
            continue_other!(),
            ".cfi_endproc",
        )
    };
}

/// Entered by the first resume with $2 and $3 as at the return of a switch,
/// and from the first `Saved`: s0 the entry, s1 the object.
///
/// s1 stays the address of the parent link, so the resumer's saved registers
/// are always at `*s1`.
#[unsafe(naked)]
unsafe extern "C" fn root() -> ! {
    naked_asm!(verbatim!(
        ".cfi_startproc",
        ".cfi_signal_frame",
        saved_registers!(),
        root_frame_address!(),
        "nop",
        "move $25, $16",
        "andi $6, $2, 1",
        "xor $4, $2, $6",
        "move $5, $3",
        "jalr $25",
        "move $7, $17",
        "break",
        ".cfi_endproc",
    ))
}

/// Bytes of the first instruction of `root`.
const ROOT_BEGIN: usize = 4;

// The operand may well be $1.
stack_pointer_is!(verbatim!("move {}, $29",));
prefetch_is!(reg, verbatim!("pref 0, 0({})",));

#[path = "common.rs"]
mod common;
#[path = "out_of_line.rs"]
mod shape;
pub(crate) use {common::*, shape::*};
