//! s390x (z/Architecture), ELF ABI.
//!
//! Non-volatile are r6-r13, r15 (sp) and f8-f15 (ELF Application Binary
//! Interface, s390x Supplement, 1.2.2). `asm!` can declare all of them lost
//! except r11, which the compiler reserves: that, sp and the address to
//! continue at are what a switch saves itself, in a local.

use super::Entry;
use core::arch::{asm, naked_asm};
use core::mem::{MaybeUninit, offset_of};

pub(crate) const STACK_ALIGNMENT: usize = 8;

pub(crate) const BYTES_BELOW: usize = 0;

/// A context is the address of this.
#[repr(C)]
struct Saved {
    pc: *const u8,
    r11: *mut u8,
    sp: usize,
}

/// Where in a `Saved` a context points.
const CONTEXT: usize = offset_of!(Saved, pc);

impl Saved {
    fn stack_pointer(&self) -> usize {
        self.sp
    }
}

/// At the stack pointer: where `entry` saves its caller's registers, the first
/// word being 0 as the end of the chain of frames; and what `root` loads.
#[repr(C)]
struct FirstFrame {
    save_area: [usize; 20],
    saved: Saved,
    entry: Entry,
}

const _: () = assert!(offset_of!(Saved, sp) == 16 && offset_of!(FirstFrame, entry) == 184);

/// Where in a first frame its `Saved` is.
const SAVED: usize = offset_of!(FirstFrame, saved);

impl FirstFrame {
    /// That of an execution that will begin in `root`, with this stack pointer.
    fn first(sp: usize, entry: Entry, object: *mut u8) -> FirstFrame {
        FirstFrame {
            save_area: [0; 20],
            saved: Saved {
                pc: root_address(),
                r11: object,
                sp,
            },
            entry,
        }
    }
}

/// CFI: the registers of a `Saved`, where the canonical frame address is its
/// beginning; sp is one of them, and r14 the return address.
macro_rules! saved_registers {
    () => {
        ".cfi_offset %r14, 0
         .cfi_offset %r11, 8
         .cfi_offset %r15, 16\n"
    };
}

/// Continue the context in r5.
macro_rules! jump_to {
    () => {
        concat!(
            "lg %r1, 0(%r5)\n",
            cfi!(".cfi_remember_state\n"),
            "lg %r15, 16(%r5)\n",
            cfi!(".cfi_def_cfa %r5, 0\n"),
            cfi!(saved_registers!()),
            "lg %r11, 8(%r5)
             br %r1\n",
            cfi!(".cfi_restore_state\n"),
        )
    };
}

/// Call the function in r4 with `(from, object)`, on a stack that ends at
/// r5, and as the end of every walk: nothing returns there, and what lies
/// above is about to be overwritten.
macro_rules! call_below {
    () => {
        concat!(
            cfi!(".cfi_remember_state\n"),
            cfi!(".cfi_undefined %r14\n"),
            "lay %r15, -160(%r5)
             lghi %r14, 0
             stg %r14, 0(%r15)
             br %r4\n",
            cfi!(".cfi_restore_state\n"),
        )
    };
}

/// The one switch, with or without storing the parent link.
macro_rules! exchange {
    ($leave:ident, $from:ident, $to:ident, $word:ident, $signal:ident $(, $link:ident)?) => {{
        let mut saved = MaybeUninit::<Saved>::uninit();
        asm!(
            "larl %r1, 2f",
            "stg %r1, 0(%r2)",
            "stg %r11, 8(%r2)",
            "stg %r15, 16(%r2)",
            $(concat!("stg %r2, 0({", stringify!($link), "})"),)?
            $leave!(),
            "nop",
            "2:",
            $($link = in(reg_addr) $link,)?
            out("r1") _,
            inout("r2") saved.as_mut_ptr() => $from,
            inout("r3") $word.0,
            inout("r4") $signal,
            inout("r5") $to => _,
            lateout("r6") _, lateout("r7") _, lateout("r8") _, lateout("r9") _,
            lateout("r10") _, lateout("r12") _, lateout("r13") _,
            lateout("f8") _, lateout("f9") _, lateout("f10") _, lateout("f11") _,
            lateout("f12") _, lateout("f13") _, lateout("f14") _, lateout("f15") _,
            clobber_abi("C"),
        );
    }};
}

/// Continues the other side for good; it receives a null `from`.
macro_rules! depart {
    ($to:ident, $word:ident, $signal:ident) => {
        asm!(
            jump_to!(),
            in("r2") 0_usize,
            in("r3") $word.0,
            in("r4") $signal,
            in("r5") $to,
            options(noreturn),
        )
    };
}

/// Entered by the first resume with r2, r3, r4 as in every landing, from the
/// first frame: r11 the object.
///
/// r11 stays the address of the parent link, so the resumer's `Saved` is always
/// at `*r11`.
#[unsafe(naked)]
unsafe extern "C" fn root() -> ! {
    naked_asm!(
        ".cfi_startproc",
        ".cfi_signal_frame",
        // DW_CFA_def_cfa_expression: DW_OP_breg11 (r11) 0, DW_OP_deref
        ".cfi_escape 0x0f, 3, 0x7b, 0, 0x06",
        saved_registers!(),
        "nopr %r0",
        "lgr %r5, %r11",
        "lg %r1, 184(%r15)",
        "basr %r14, %r1",
        // An operation that never exists.
        ".short 0",
        ".cfi_endproc",
    )
}

/// Bytes of the first instruction of `root`.
const ROOT_BEGIN: usize = 2;

stack_pointer_is!("lgr {}, %r15");
prefetch_is!(reg_addr, "pfd 1, 0({})");

#[path = "common.rs"]
mod common;
#[path = "inline.rs"]
mod shape;
pub(crate) use {common::*, shape::*};
