//! RISC-V, ABIs ilp32d (32 bits) and lp64d (64 bits), and those without floating point.
//!
//! Non-volatile are s0-s11, sp and fs0-fs11; gp and tp never change (RISC-V
//! Calling Conventions, integer and floating-point register tables). `asm!`
//! can declare all of them lost except s0 and s1, which the compiler reserves:
//! those two, sp and the address to continue at are what a switch saves
//! itself, in a local.
//!
//! Both directions leave by a jump through a4. Through ra or t0 it would look
//! like a return to the processor, and upset its prediction of later returns.

use super::Entry;
use core::arch::{asm, naked_asm};
use core::mem::{MaybeUninit, offset_of, size_of};

pub(crate) const STACK_ALIGNMENT: usize = 16;

pub(crate) const BYTES_BELOW: usize = 0;

/// A frame record, `{caller's s0, return address}`, lies below the address that
/// s0 holds. A context is such an address, that of the field `s1`.
#[repr(C, align(16))]
struct Saved {
    s0: *mut u8,
    pc: *const u8,
    s1: Option<Entry>,
    sp: usize,
}

const _: () = assert!(CONTEXT == 2 * WORD && size_of::<Saved>() == 4 * WORD);

const WORD: usize = size_of::<usize>();

/// From the beginning of a `Saved`, or of a parent link, to the address that
/// stands for it.
const CONTEXT: usize = offset_of!(Saved, s1);

/// Where in a first frame its `Saved` is.
const SAVED: usize = 0;

type FirstFrame = Saved;

impl Saved {
    /// That of an execution that will begin in `root`, with this stack pointer.
    fn first(sp: usize, entry: Entry, object: *mut u8) -> Saved {
        Saved {
            s0: object.wrapping_add(CONTEXT),
            pc: root_address(),
            s1: Some(entry),
            sp,
        }
    }

    fn stack_pointer(&self) -> usize {
        self.sp
    }
}

/// Load a register from an offset (that of 32 bits, that of 64) and a base.
macro_rules! load {
    ($register:literal, $narrow:literal, $wide:literal, $base:literal) => {
        concat!(
            by_width!("lw ", "ld "), $register, ", ", by_width!($narrow, $wide), "(", $base, ")\n"
        )
    };
}

/// Store a register, likewise.
macro_rules! store {
    ($register:literal, $narrow:literal, $wide:literal, $base:literal) => {
        concat!(
            by_width!("sw ", "sd "), $register, ", ", by_width!($narrow, $wide), "(", $base, ")\n"
        )
    };
}

/// CFI: the registers of a `Saved`, where the canonical frame address is the
/// context; sp is one of them.
macro_rules! saved_registers {
    () => {
        by_width!(
            ".cfi_offset s0, -8
             .cfi_offset ra, -4
             .cfi_offset s1, 0
             .cfi_offset sp, 4\n",
            ".cfi_offset s0, -16
             .cfi_offset ra, -8
             .cfi_offset s1, 0
             .cfi_offset sp, 8\n"
        )
    };
}

/// Continue the context in a3.
macro_rules! jump_to {
    () => {
        concat!(
            load!("a4", "-4", "-8", "a3"),
            cfi!(".cfi_remember_state\n"),
            load!("sp", "4", "8", "a3"),
            cfi!(".cfi_def_cfa a3, 0\n"),
            cfi!(saved_registers!()),
            load!("s0", "-8", "-16", "a3"),
            load!("s1", "0", "0", "a3"),
            "jr a4\n",
            cfi!(".cfi_restore_state\n"),
        )
    };
}

/// Call the function in a2 with `(from, object)`, on a stack that ends at
/// a3, and as the end of every walk: nothing returns there, and what lies
/// above is about to be overwritten.
macro_rules! call_below {
    () => {
        concat!(
            cfi!(".cfi_remember_state\n"),
            cfi!(".cfi_undefined ra\n"),
            "mv sp, a3
             li s0, 0
             li ra, 0
             jr a2\n",
            cfi!(".cfi_restore_state\n"),
        )
    };
}

/// The one switch, with or without storing the parent link.
macro_rules! exchange {
    ($leave:ident, $from:ident, $to:ident, $word:ident, $signal:ident $(, $link:ident)?) => {{
        let mut saved = MaybeUninit::<Saved>::uninit();
        asm!(
            "lla a4, 2f",
            store!("s0", "0", "0", "a0"),
            store!("a4", "4", "8", "a0"),
            store!("s1", "8", "16", "a0"),
            store!("sp", "12", "24", "a0"),
            by_width!("addi a0, a0, 8", "addi a0, a0, 16"),
            $(concat!(by_width!("sw", "sd"), " a0, 0({", stringify!($link), "})"),)?
            $leave!(),
            "nop",
            "2:",
            $($link = in(reg) $link,)?
            inout("a0") saved.as_mut_ptr() => $from,
            inout("a1") $word.0,
            inout("a2") $signal,
            inout("a3") $to => _,
            out("a4") _,
            lateout("s2") _, lateout("s3") _, lateout("s4") _, lateout("s5") _, lateout("s6") _,
            lateout("s7") _, lateout("s8") _, lateout("s9") _, lateout("s10") _, lateout("s11") _,
            lateout("fs0") _, lateout("fs1") _, lateout("fs2") _, lateout("fs3") _,
            lateout("fs4") _, lateout("fs5") _, lateout("fs6") _, lateout("fs7") _,
            lateout("fs8") _, lateout("fs9") _, lateout("fs10") _, lateout("fs11") _,
            clobber_abi("C"),
        );
    }};
}

/// Continues the other side for good; it receives a null `from`.
macro_rules! depart {
    ($to:ident, $word:ident, $signal:ident) => {
        asm!(
            jump_to!(),
            in("a0") 0_usize,
            in("a1") $word.0,
            in("a2") $signal,
            in("a3") $to,
            options(noreturn),
        )
    };
}

/// Entered by the first resume with a0, a1, a2 as in every landing, and from
/// the first `Saved`: s1 the entry, s0 the end of the object's parent link.
///
/// s0 stays that, so the resumer's context is always two words below s0.
#[unsafe(naked)]
unsafe extern "C" fn root() -> ! {
    naked_asm!(
        ".cfi_startproc",
        ".cfi_signal_frame",
        // DW_CFA_def_cfa_expression: DW_OP_breg8 (s0) -8 or -16, DW_OP_deref
        by_width!(".cfi_escape 0x0f, 3, 0x78, 0x78, 0x06", ".cfi_escape 0x0f, 3, 0x78, 0x70, 0x06"),
        saved_registers!(),
        ".option push",
        ".option norvc",
        "nop",
        ".option pop",
        by_width!("addi a3, s0, -8", "addi a3, s0, -16"),
        "jalr s1",
        "unimp",
        ".cfi_endproc",
    )
}

/// Bytes of the first instruction of `root`.
const ROOT_BEGIN: usize = 4;

stack_pointer_is!("mv {}, sp");
// `prefetch.r` of the extension Zicbop: where there is none it is an `ori` to
// the zero register, which does nothing.
prefetch_is!(reg, ".insn i 0x13, 0x6, x0, {}, 1");

#[path = "common.rs"]
mod common;
#[path = "inline.rs"]
mod shape;
pub(crate) use {common::*, shape::*};
