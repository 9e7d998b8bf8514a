//! SPARC V9, 64 bits, big endian.
//!
//! Non-volatile are %l0-%l7, %i0-%i7 and %sp; every floating-point register is
//! volatile, and %g7 never changes (SPARC Compliance Definition 2.4, 3P).
//!
//! The non-volatile ones are the caller's *window*, which `save` hides and the
//! processor keeps until it runs out of windows; then it spills the oldest to
//! the 128 bytes that every frame has at its stack pointer for this. `flushw`
//! spills all at once: after it, a switch needs to exchange nothing but the
//! stack pointer and the return address, because the `restore` of its return
//! fills the window from the other side's frame. So the switch is out of line,
//! a function with a window of its own.
//!
//! The stack pointer register is 2047 less than the address that it stands for
//! (the *bias*). A return address is that of the call, two instructions before
//! the one that is returned to.

use super::Entry;
use core::arch::naked_asm;
use core::mem::{offset_of, size_of};

pub(crate) const STACK_ALIGNMENT: usize = 16;

pub(crate) const BYTES_BELOW: usize = 0;

/// Walkers return to 8 bytes beyond the address of a call. 0 would lead them to address 8, where
/// libgcc looks for the instructions of a signal trampoline.
pub(crate) const END_OF_WALK: usize = 0_usize.wrapping_sub(8);

const BIAS: usize = 2047;

/// A context is the address of this.
#[repr(C)]
struct Saved {
    sp: usize,
    pc: *const u8,
}

/// Where in a `Saved` a context points.
const CONTEXT: usize = offset_of!(Saved, sp);

impl Saved {
    fn stack_pointer(&self) -> usize {
        core::ptr::from_ref(self).addr() - SAVED
    }
}

/// The frame of a suspended switch, from the stack pointer up: where windows
/// are spilled to, six arguments of a callee, and what is saved. The first
/// frame looks the same, so that `root` finds its window filled.
#[repr(C, align(16))]
struct FirstFrame {
    l0: *mut u8,
    l1: Option<Entry>,
    l2_l7: [usize; 6],
    i0_i7: [usize; 8],
    arguments: [usize; 6],
    saved: Saved,
}

/// Where in a first frame its `Saved` is.
const SAVED: usize = offset_of!(FirstFrame, saved);

const _: () = assert!(SAVED == 176 && size_of::<FirstFrame>() == 192);

impl FirstFrame {
    /// That of an execution that will begin in `root`, with this stack pointer.
    fn first(sp: usize, entry: Entry, object: *mut u8) -> FirstFrame {
        FirstFrame {
            l0: object,
            l1: Some(entry),
            l2_l7: [0; 6],
            i0_i7: [0; 8],
            arguments: [0; 6],
            saved: Saved {
                sp: sp - BIAS,
                pc: root_address().wrapping_sub(8),
            },
        }
    }
}

/// A window of its own, and all older ones in memory; then the arguments are
/// in %i0-%i3. CFI: the caller's window is at the canonical frame address, and
/// the return address (15) in %i7 (31).
macro_rules! enter {
    () => {
        "save %sp, -192, %sp
         .cfi_def_cfa_register 30
         .cfi_window_save
         .cfi_register 15, 31
         flushw\n"
    };
}

/// Continue the context in %l1: the frame of its caller is the one below which
/// this function now stands.
macro_rules! continue_other {
    () => {
        "ldx [%l1 + 8], %l2
         ldx [%l1], %fp
         .cfi_register 15, 18
         mov %l2, %i7
         .cfi_register 15, 31
         ret
         restore\n"
    };
}

/// The one switch, with or without storing the parent link: `(to, word,
/// signal, link)` in %i0-%i3.
macro_rules! exchange {
    ($store_link:expr) => {
        concat!(
            ".cfi_startproc\n",
            enter!(),
            "mov %i0, %l1
             add %fp, 2047 - 16, %l0
             stx %fp, [%l0]
             stx %i7, [%l0 + 8]\n",
            $store_link,
            "or %l0, %i2, %i0\n",
            continue_other!(),
            ".cfi_endproc",
        )
    };
}

macro_rules! store_link {
    () => {
        "stx %l0, [%i3]\n"
    };
}

/// As `exchange!`, but then the function in %i2 is called with `(from,
/// object)`, on a frame of its own below %i0, and as the end of every walk:
/// nothing returns there, and what lies above is about to be overwritten.
/// `(top, object, entry)` in %i0-%i2.
macro_rules! descend {
    () => {
        concat!(
            ".cfi_startproc\n",
            enter!(),
            "add %fp, 2047 - 16, %o0
             stx %fp, [%o0]
             stx %i7, [%o0 + 8]\n",
            ".cfi_undefined 15\n",
            "mov %i1, %o1
             mov -8, %i7
             sub %i0, 2047 + 192, %sp
             mov %g0, %fp
             jmp %i2
             mov -8, %o7\n",
            ".cfi_endproc",
        )
    };
}

/// Continues the other side for good; it receives a null `from`: `(to, word,
/// signal)` in %i0-%i2.
macro_rules! depart {
    () => {
        concat!(
            ".cfi_startproc\n",
            enter!(),
            "mov %i0, %l1
             mov %i2, %i0\n",
            continue_other!(),
            ".cfi_endproc",
        )
    };
}

/// Entered by the first resume with %o0 and %o1 as at the return of a switch,
/// and in the window of the first frame: %l0 the object, %l1 the entry.
///
/// %l0 stays the address of the parent link, so the resumer's `Saved` is always
/// at `*%l0`, and its frame, where its window is, begins 16 bytes above.
#[unsafe(naked)]
unsafe extern "C" fn root() -> ! {
    naked_asm!(
        ".cfi_startproc",
        ".cfi_signal_frame",
        ".cfi_window_save",
        // DW_CFA_def_cfa_expression: DW_OP_breg16 (%l0) 0, DW_OP_deref, DW_OP_plus_uconst 16
        ".cfi_escape 0x0f, 5, 0x80, 0, 0x06, 0x23, 16",
        ".cfi_offset 14, -16",
        ".cfi_offset 15, -8",
        "nop",
        "and %o0, 1, %o2",
        "andn %o0, 1, %o0",
        "call %l1",
        "mov %l0, %o3",
        "ta 5",
        ".cfi_endproc",
    )
}

/// Bytes of the first instruction of `root`.
const ROOT_BEGIN: usize = 4;

stack_pointer_is!("add %sp, 2047, {}");
prefetch_is!(reg, "prefetch [{}], 0");

use shape::Pair as Registers;

#[path = "common.rs"]
mod common;
#[path = "out_of_line.rs"]
mod shape;
pub(crate) use {common::*, shape::*};
