//! x86, 32 bits, System V ABI.
//!
//! Non-volatile are ebx, ebp, esi, edi and esp; the direction flag is clear and
//! the x87 stack is empty at every call boundary (System V ABI, Intel386
//! Architecture Processor Supplement, 3-11 ff.). `asm!` can declare all of them
//! lost except ebp and esi, which the compiler reserves: those two, esp and the
//! address to continue at are what a switch saves itself, in a local.
//!
//! In AT&T syntax, in which the difference of two labels can be written.
//!
//! Both directions leave by `jmp`, and the `call` that asks for an address is
//! paired with a `ret`, so the processor's return predictor stays balanced.

use super::Entry;
use core::arch::{asm, naked_asm};
use core::mem::{MaybeUninit, offset_of, size_of};

pub(crate) const STACK_ALIGNMENT: usize = 16;

pub(crate) const BYTES_BELOW: usize = 0;

/// A context is the address of this, which makes it a frame record, `{caller's
/// ebp, return address}`, that a frame-pointer walk can follow.
#[repr(C, align(16))]
struct Saved {
    ebp: *mut u8,
    eip: *const u8,
    esi: Option<Entry>,
    esp: usize,
}

const _: () = assert!(offset_of!(Saved, esi) == 8 && size_of::<Saved>() == 16);

/// Where in a `Saved` a context points.
const CONTEXT: usize = offset_of!(Saved, ebp);

/// Where in a first frame its `Saved` is.
const SAVED: usize = 0;

type FirstFrame = Saved;

impl Saved {
    /// That of an execution that will begin in `root`, with this stack pointer.
    fn first(sp: usize, entry: Entry, object: *mut u8) -> Saved {
        Saved {
            ebp: object,
            eip: root_address(),
            esi: Some(entry),
            esp: sp,
        }
    }

    fn stack_pointer(&self) -> usize {
        self.esp
    }
}

/// CFI: the registers of a `Saved`, where the canonical frame address is its
/// beginning; esp is one of them.
macro_rules! saved_registers {
    () => {
        ".cfi_offset %ebp, 0
         .cfi_offset %eip, 4
         .cfi_offset %esi, 8
         .cfi_offset %esp, 12\n"
    };
}

/// CFI: edi is the canonical frame address (DW_CFA_def_cfa, by its bytes).
///
/// Written as `.cfi_def_cfa`, the assembler would note the new offset, and not
/// take it back at `.cfi_restore_state`; the compiler's own directives around
/// later calls, which adjust an offset by what they push, would then be wrong.
macro_rules! def_cfa_edi {
    () => {
        ".cfi_escape 0x0c, 7, 0\n"
    };
}

/// Continue the context in edi.
macro_rules! jump_to {
    () => {
        concat!(
            cfi!(".cfi_remember_state\n"),
            "movl 12(%edi), %esp\n",
            cfi!(def_cfa_edi!()),
            cfi!(saved_registers!()),
            "movl (%edi), %ebp
             movl 8(%edi), %esi
             jmp *4(%edi)\n",
            cfi!(".cfi_restore_state\n"),
        )
    };
}

/// Returns its return address, in ebx: instructions cannot name an address
/// relative to their own.
#[unsafe(naked)]
unsafe extern "C" fn here() {
    naked_asm!(
        ".cfi_startproc",
        "movl (%esp), %ebx",
        "ret",
        ".cfi_endproc",
        options(att_syntax),
    )
}

/// Call the function in ecx with `(from, object)`, on a stack that ends at
/// edi, and as the end of every walk: nothing returns there, and what lies
/// above is about to be overwritten.
macro_rules! call_below {
    () => {
        concat!(
            cfi!(".cfi_remember_state\n"),
            cfi!(".cfi_undefined %eip\n"),
            "leal -8(%edi), %esp
             pushl %edx
             pushl %eax
             xorl %ebp, %ebp
             pushl %ebp
             jmp *%ecx\n",
            cfi!(".cfi_restore_state\n"),
        )
    };
}

/// The one switch, with or without storing the parent link. The link comes
/// first, because its register is needed for something else: five are all there are.
macro_rules! exchange {
    ($leave:ident, $from:ident, $to:ident, $word:ident, $signal:ident) => {
        exchange!([] [out("ebx") _] $leave $from $to $word $signal)
    };
    ($leave:ident, $from:ident, $to:ident, $word:ident, $signal:ident, $link:ident) => {
        exchange!(["movl %eax, (%ebx)",] [inout("ebx") $link => _] $leave $from $to $word $signal)
    };
    (
        [$($store_link:tt)*] [$($ebx:tt)*]
        $leave:ident $from:ident $to:ident $word:ident $signal:ident
    ) => {{
        let mut saved = MaybeUninit::<Saved>::uninit();
        asm!(
            $($store_link)*
            "call {here}",
            "3:",
            "addl $(2f - 3b), %ebx",
            "movl %ebp, (%eax)",
            "movl %ebx, 4(%eax)",
            "movl %esi, 8(%eax)",
            "movl %esp, 12(%eax)",
            $leave!(),
            "nop",
            "2:",
            here = sym here,
            inout("eax") saved.as_mut_ptr() => $from,
            inout("edx") $word.0,
            inout("ecx") $signal,
            inout("edi") $to => _,
            $($ebx)*,
            clobber_abi("C"),
            options(att_syntax),
        );
    }};
}

/// Continues the other side for good; it receives a null `from`.
macro_rules! depart {
    ($to:ident, $word:ident, $signal:ident) => {
        asm!(
            jump_to!(),
            in("eax") 0_usize,
            in("edx") $word.0,
            in("ecx") $signal,
            in("edi") $to,
            options(noreturn, att_syntax),
        )
    };
}

/// Entered by the first resume with eax, edx, ecx as in every landing, and
/// from the first `Saved`: esi the entry, ebp the object.
///
/// ebp stays the address of the parent link, so the resumer's `Saved` is always
/// at `*ebp`.
#[unsafe(naked)]
unsafe extern "C" fn root() -> ! {
    naked_asm!(
        ".cfi_startproc",
        ".cfi_signal_frame",
        // DW_CFA_def_cfa_expression: DW_OP_breg5 (ebp) 0, DW_OP_deref
        ".cfi_escape 0x0f, 3, 0x75, 0, 0x06",
        saved_registers!(),
        "nop",
        "pushl %ebp",
        "pushl %ecx",
        "pushl %edx",
        "pushl %eax",
        "call *%esi",
        "ud2",
        ".cfi_endproc",
        options(att_syntax),
    )
}

/// Bytes of the first instruction of `root`.
const ROOT_BEGIN: usize = 1;

stack_pointer_is!("mov {}, esp");
// An instruction of SSE, which the baseline of some targets lacks.
#[cfg(target_feature = "sse")]
prefetch_is!(reg, "prefetcht0 [{}]");
#[cfg(not(target_feature = "sse"))]
prefetch_is!();

#[path = "common.rs"]
mod common;
#[path = "inline.rs"]
mod shape;
pub(crate) use {common::*, shape::*};
