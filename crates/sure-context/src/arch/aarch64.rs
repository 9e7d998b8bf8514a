//! AArch64, either byte order.
//!
//! Non-volatile are x19-x29, sp and the low halves of v8-v15; x18 belongs to
//! the platform (Procedure Call Standard for the Arm 64-bit Architecture,
//! 6.1.1 and 6.1.2). `asm!` can declare all of them lost except x19 and x29,
//! which the compiler reserves: those two, sp and the address to continue at
//! are what a switch saves itself, in a local.
//!
//! Both directions leave by `br`, so the processor's return predictor stays balanced.
//!
//! Where a program enforces branch targets (BTI, `-Z branch-protection=bti`), `br`
//! may only reach a `bti j`, or through x16 also the `bti c` at the beginning of a
//! function. So each address to continue at is a `bti j`, which is a hint that
//! other processors ignore, and functions are entered by `blr` or through x16.
//! Return addresses may be signed (`pac-ret`): none is checked with another stack
//! pointer than that with which it was signed, because every execution keeps its own.

use super::Entry;
use core::arch::{asm, naked_asm};
use core::mem::{MaybeUninit, offset_of, size_of};

pub(crate) const STACK_ALIGNMENT: usize = 16;

pub(crate) const BYTES_BELOW: usize = 0;

/// A context is the address of this, which makes it a frame record, `{caller's
/// x29, return address}`, that a frame-pointer walk can follow.
#[repr(C, align(16))]
struct Saved {
    x29: *mut u8,
    pc: *const u8,
    x19: Option<Entry>,
    sp: usize,
}

const _: () = assert!(offset_of!(Saved, x19) == 16 && size_of::<Saved>() == 32);

/// Where in a `Saved` a context points.
const CONTEXT: usize = offset_of!(Saved, x29);

/// Where in a first frame its `Saved` is.
const SAVED: usize = 0;

type FirstFrame = Saved;

impl Saved {
    /// That of an execution that will begin in `root`, with this stack pointer.
    fn first(sp: usize, entry: Entry, object: *mut u8) -> Saved {
        Saved {
            x29: object,
            pc: root_address(),
            x19: Some(entry),
            sp,
        }
    }

    fn stack_pointer(&self) -> usize {
        self.sp
    }
}

/// CFI: the registers of a `Saved`, where the canonical frame address is its
/// beginning; sp is one of them.
macro_rules! saved_registers {
    () => {
        ".cfi_offset x29, 0
         .cfi_offset x30, 8
         .cfi_offset x19, 16
         .cfi_offset sp, 24\n"
    };
}

/// A place that `br` may reach, as the hint that it is: assemblers know the name
/// only with the target feature.
macro_rules! bti_j {
    () => {
        "hint 36"
    };
}

/// Continue the context in x3.
macro_rules! jump_to {
    () => {
        concat!(
            "ldr x4, [x3, 24]\n",
            cfi!(".cfi_remember_state\n"),
            "mov sp, x4\n",
            cfi!(".cfi_def_cfa x3, 0\n"),
            cfi!(saved_registers!()),
            "ldp x29, x30, [x3]
             ldr x19, [x3, 16]
             br x30\n",
            cfi!(".cfi_restore_state\n"),
        )
    };
}

/// Call the function in x2 with `(from, object)`, on a stack that ends at
/// x3, and as the end of every walk: nothing returns there, and what lies
/// above is about to be overwritten.
macro_rules! call_below {
    () => {
        concat!(
            cfi!(".cfi_remember_state\n"),
            cfi!(".cfi_undefined x30\n"),
            "mov sp, x3
             mov x29, xzr
             mov x30, xzr
             mov x16, x2
             br x16\n",
            cfi!(".cfi_restore_state\n"),
        )
    };
}

/// The one switch, with or without storing the parent link.
macro_rules! exchange {
    ($leave:ident, $from:ident, $to:ident, $word:ident, $signal:ident $(, $link:ident)?) => {{
        let mut saved = MaybeUninit::<Saved>::uninit();
        asm!(
            "adr x4, 2f",
            "stp x29, x4, [x0]",
            "mov x4, sp",
            "stp x19, x4, [x0, 16]",
            $(concat!("str x0, [{", stringify!($link), "}]"),)?
            $leave!(),
            "nop",
            "2:",
            bti_j!(),
            $($link = in(reg) $link,)?
            inout("x0") saved.as_mut_ptr() => $from,
            inout("x1") $word.0,
            inout("x2") $signal,
            inout("x3") $to => _,
            out("x4") _,
            lateout("x20") _, lateout("x21") _, lateout("x22") _, lateout("x23") _,
            lateout("x24") _, lateout("x25") _, lateout("x26") _, lateout("x27") _,
            lateout("x28") _,
            lateout("v8") _, lateout("v9") _, lateout("v10") _, lateout("v11") _,
            lateout("v12") _, lateout("v13") _, lateout("v14") _, lateout("v15") _,
            clobber_abi("C"),
        );
    }};
}

/// Continues the other side for good; it receives a null `from`.
macro_rules! depart {
    ($to:ident, $word:ident, $signal:ident) => {
        asm!(
            jump_to!(),
            in("x0") 0_usize,
            in("x1") $word.0,
            in("x2") $signal,
            in("x3") $to,
            options(noreturn),
        )
    };
}

/// Entered by the first resume with x0, x1, x2 as in every landing, and from
/// the first `Saved`: x19 the entry, x29 the object.
///
/// x29 stays the address of the parent link, so the resumer's `Saved` is always
/// at `*x29`.
#[unsafe(naked)]
unsafe extern "C" fn root() -> ! {
    naked_asm!(
        ".cfi_startproc",
        ".cfi_signal_frame",
        // DW_CFA_def_cfa_expression: DW_OP_breg29 (x29) 0, DW_OP_deref
        ".cfi_escape 0x0f, 3, 0x8d, 0, 0x06",
        saved_registers!(),
        "nop",
        bti_j!(),
        "mov x3, x29",
        "blr x19",
        "brk 1",
        ".cfi_endproc",
    )
}

/// Bytes of the first instruction of `root`.
const ROOT_BEGIN: usize = 4;

stack_pointer_is!("mov {}, sp");
prefetch_is!(reg, "prfm pldl1keep, [{}]");

#[path = "common.rs"]
mod common;
#[path = "inline.rs"]
mod shape;
pub(crate) use {common::*, shape::*};
