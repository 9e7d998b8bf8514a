//! LoongArch, 64 bits, ABI lp64d.
//!
//! Non-volatile are $r22 (fp), $r23-$r31 (s0-s8), $r3 (sp) and $f24-$f31; $r2
//! (tp) and $r21 never change (LoongArch ELF psABI, register convention).
//! `asm!` can declare all of them lost except fp and s8, which the compiler
//! reserves: those two, sp and the address to continue at are what a switch
//! saves itself, in a local.
//!
//! Both directions leave by a jump through $a4. Through $ra it would look like
//! a return to the processor, and upset its prediction of later returns.

use super::Entry;
use core::arch::{asm, naked_asm};
use core::mem::{MaybeUninit, offset_of, size_of};

pub(crate) const STACK_ALIGNMENT: usize = 16;

pub(crate) const BYTES_BELOW: usize = 0;

/// A frame record, `{caller's fp, return address}`, lies below the address that
/// fp holds. A context is such an address, that of the field `s8`.
#[repr(C, align(16))]
struct Saved {
    fp: *mut u8,
    pc: *const u8,
    s8: Option<Entry>,
    sp: usize,
}

const _: () = assert!(CONTEXT == 16 && size_of::<Saved>() == 32);

/// From the beginning of a `Saved`, or of a parent link, to the address that
/// stands for it.
const CONTEXT: usize = offset_of!(Saved, s8);

/// Where in a first frame its `Saved` is.
const SAVED: usize = 0;

type FirstFrame = Saved;

impl Saved {
    /// That of an execution that will begin in `root`, with this stack pointer.
    fn first(sp: usize, entry: Entry, object: *mut u8) -> Saved {
        Saved {
            fp: object.wrapping_add(CONTEXT),
            pc: root_address(),
            s8: Some(entry),
            sp,
        }
    }

    fn stack_pointer(&self) -> usize {
        self.sp
    }
}

/// CFI: the registers of a `Saved`, where the canonical frame address is the
/// context; sp is one of them.
macro_rules! saved_registers {
    () => {
        ".cfi_offset 22, -16
         .cfi_offset 1, -8
         .cfi_offset 31, 0
         .cfi_offset 3, 8\n"
    };
}

/// Continue the context in $a3.
macro_rules! jump_to {
    () => {
        concat!(
            "ld.d $a4, $a3, -8\n",
            cfi!(".cfi_remember_state\n"),
            "ld.d $sp, $a3, 8\n",
            cfi!(".cfi_def_cfa 7, 0\n"),
            cfi!(saved_registers!()),
            "ld.d $fp, $a3, -16
             ld.d $s8, $a3, 0
             jr $a4\n",
            cfi!(".cfi_restore_state\n"),
        )
    };
}

/// Call the function in $a2 with `(from, object)`, on a stack that ends at
/// $a3, and as the end of every walk: nothing returns there, and what lies
/// above is about to be overwritten.
macro_rules! call_below {
    () => {
        concat!(
            cfi!(".cfi_remember_state\n"),
            cfi!(".cfi_undefined 1\n"),
            "move $sp, $a3
             move $fp, $zero
             move $ra, $zero
             jr $a2\n",
            cfi!(".cfi_restore_state\n"),
        )
    };
}

/// The one switch, with or without storing the parent link.
macro_rules! exchange {
    ($leave:ident, $from:ident, $to:ident, $word:ident, $signal:ident $(, $link:ident)?) => {{
        let mut saved = MaybeUninit::<Saved>::uninit();
        asm!(
            "la.pcrel $a4, 2f",
            "st.d $fp, $a0, 0",
            "st.d $a4, $a0, 8",
            "st.d $s8, $a0, 16",
            "st.d $sp, $a0, 24",
            "addi.d $a0, $a0, 16",
            $(concat!("st.d $a0, {", stringify!($link), "}, 0"),)?
            $leave!(),
            "nop",
            "2:",
            $($link = in(reg) $link,)?
            inout("$a0") saved.as_mut_ptr() => $from,
            inout("$a1") $word.0,
            inout("$a2") $signal,
            inout("$a3") $to => _,
            out("$a4") _,
            lateout("$s0") _, lateout("$s1") _, lateout("$s2") _, lateout("$s3") _,
            lateout("$s4") _, lateout("$s5") _, lateout("$s6") _, lateout("$s7") _,
            lateout("$fs0") _, lateout("$fs1") _, lateout("$fs2") _, lateout("$fs3") _,
            lateout("$fs4") _, lateout("$fs5") _, lateout("$fs6") _, lateout("$fs7") _,
            clobber_abi("C"),
        );
    }};
}

/// Continues the other side for good; it receives a null `from`.
macro_rules! depart {
    ($to:ident, $word:ident, $signal:ident) => {
        asm!(
            jump_to!(),
            in("$a0") 0_usize,
            in("$a1") $word.0,
            in("$a2") $signal,
            in("$a3") $to,
            options(noreturn),
        )
    };
}

/// Entered by the first resume with $a0-$a2 as in every landing, and from the
/// first `Saved`: s8 the entry, fp the end of the object's parent link.
///
/// fp stays that, so the resumer's context is always at `*(fp - 16)`.
#[unsafe(naked)]
unsafe extern "C" fn root() -> ! {
    naked_asm!(
        ".cfi_startproc",
        ".cfi_signal_frame",
        // DW_CFA_def_cfa_expression: DW_OP_breg22 (fp) -16, DW_OP_deref
        ".cfi_escape 0x0f, 3, 0x86, 0x70, 0x06",
        saved_registers!(),
        "nop",
        "addi.d $a3, $fp, -16",
        "jirl $ra, $s8, 0",
        "break 0",
        ".cfi_endproc",
    )
}

/// Bytes of the first instruction of `root`.
const ROOT_BEGIN: usize = 4;

stack_pointer_is!("move {}, $sp");
prefetch_is!(reg, "preld 0, {}, 0");

#[path = "common.rs"]
mod common;
#[path = "inline.rs"]
mod shape;
pub(crate) use {common::*, shape::*};
