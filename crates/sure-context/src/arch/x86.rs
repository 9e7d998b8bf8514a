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

use super::{Entry, EntryBelow, Landing};
use crate::Word;
use core::arch::{asm, naked_asm};
use core::mem::{MaybeUninit, offset_of, size_of};
use core::ptr;

pub(crate) const STACK_ALIGNMENT: usize = 16;

/// No red zone; what is saved lies above the stack pointer.
pub(crate) const BYTES_BELOW: usize = 0;

pub(crate) const FIRST_FRAME: usize = size_of::<Saved>();

/// A context is the address of this, which makes it a frame record, `{caller's
/// ebp, return address}`, that a frame-pointer walk can follow.
#[repr(C, align(16))]
struct Saved {
    ebp: *mut u8,
    eip: *const u8,
    esi: Option<Entry>,
    esp: *mut u8,
}

const _: () = assert!(offset_of!(Saved, esi) == 8 && size_of::<Saved>() == 16);

/// # Safety
/// `top` is aligned to `STACK_ALIGNMENT`, and the `FIRST_FRAME` bytes below it
/// may be written. `object` begins with a `ParentLink` and stays where it is.
pub(crate) unsafe fn prepare(top: *mut u8, entry: Entry, object: *mut u8) -> usize {
    let saved = top.wrapping_sub(FIRST_FRAME).cast::<Saved>();
    // SAFETY: these are the bytes below `top`, which is aligned.
    unsafe {
        saved.write(Saved {
            ebp: object,
            eip: root_address(),
            esi: Some(entry),
            esp: saved.cast(),
        })
    };
    saved.expose_provenance()
}

pub(crate) fn stack_pointer_of(context: usize) -> *mut u8 {
    // SAFETY: a context is the address of a `Saved`.
    unsafe { (*ptr::with_exposed_provenance::<Saved>(context)).esp }
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
macro_rules! switch_with {
    ($leave:ident [$($store_link:literal)?] $to:ident, $word:ident, $signal:ident, $link:expr) => {{
        let mut saved = MaybeUninit::<Saved>::uninit();
        let from;
        let word;
        let signal;
        asm!(
            $($store_link,)?
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
            inout("eax") saved.as_mut_ptr() => from,
            inout("edx") $word.0 => word,
            inout("ecx") $signal => signal,
            inout("edi") $to => _,
            inout("ebx") $link => _,
            clobber_abi("C"),
            options(att_syntax),
        );
        Landing { from, word: Word(word), signal }
    }};
}

/// # Safety
/// `to` is the address of a `Saved` that nobody has continued yet; `link` may
/// be written.
#[inline(always)]
pub(crate) unsafe fn resume(to: usize, link: *mut u8, word: Word, signal: usize) -> Landing {
    // SAFETY: every register that the other side may change is saved by the
    // block or declared lost to the compiler; memory is not declared untouched.
    unsafe { switch_with!(jump_to ["movl %eax, (%ebx)"] to, word, signal, link) }
}

/// # Safety
/// `to` is the address of a `Saved` that nobody has continued yet.
#[inline(always)]
pub(crate) unsafe fn switch(to: usize, word: Word, signal: usize) -> Landing {
    // SAFETY: as in `resume`.
    unsafe { switch_with!(jump_to [] to, word, signal, 0) }
}

/// # Safety
/// The bytes below `top`, which is aligned to `STACK_ALIGNMENT`, may be written
/// as soon as they are below the stack pointer.
#[inline(always)]
pub(crate) unsafe fn descend(top: usize, entry: EntryBelow, object: Word) -> Landing {
    let entry = entry as usize;
    // SAFETY: as in `resume`.
    unsafe { switch_with!(call_below [] top, object, entry, 0) }
}

/// # Safety
/// `to` is the address of a `Saved` that nobody has continued yet. The frames
/// of the caller are never returned to.
#[inline(always)]
pub(crate) unsafe fn exit_to(to: usize, word: Word, signal: usize) -> ! {
    // SAFETY: the block leaves this stack for good, so nothing needs saving.
    unsafe {
        asm!(
            jump_to!(),
            in("eax") 0_usize,
            in("edx") word.0,
            in("ecx") signal,
            in("edi") to,
            options(noreturn, att_syntax),
        )
    }
}

/// Entered by the first resume with eax, edx, ecx as in every landing, and
/// from the first `Saved`: esi the entry, ebp the object.
///
/// ebp stays the address of the parent link, so the resumer's `Saved` is always
/// at `*ebp`. Marked as a signal frame, because debuggers expect the stack
/// pointer to rise from frame to frame except there.
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

/// An address inside `root`: its second instruction. A return address is looked
/// up a little before it points, and that must belong to `root` as well.
pub(crate) fn root_address() -> *const u8 {
    (root as *const u8).wrapping_add(1)
}

#[inline(always)]
pub(crate) fn stack_pointer() -> *mut u8 {
    let sp;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, esp", out(reg) sp, options(pure, nomem, nostack, preserves_flags)) };
    sp
}

/// An instruction of SSE, which the baseline of some targets lacks: nothing there.
#[inline(always)]
pub(crate) fn prefetch(address: *const u8) {
    #[cfg(target_feature = "sse")]
    // SAFETY: a hint; any address is allowed and nothing is changed.
    unsafe {
        asm!("prefetcht0 [{}]", in(reg) address, options(readonly, nostack, preserves_flags))
    };
    #[cfg(not(target_feature = "sse"))]
    let _ = address;
}
