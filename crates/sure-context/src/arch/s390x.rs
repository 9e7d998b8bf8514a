//! s390x (z/Architecture), ELF ABI.
//!
//! Non-volatile are r6-r13, r15 (sp) and f8-f15 (ELF Application Binary
//! Interface, s390x Supplement, 1.2.2). `asm!` can declare all of them lost
//! except r11, which the compiler reserves: that, sp and the address to
//! continue at are what a switch saves itself, in a local.

use super::{Entry, EntryBelow, Landing};
use crate::Word;
use core::arch::{asm, naked_asm};
use core::mem::{MaybeUninit, offset_of, size_of};
use core::ptr;

pub(crate) const STACK_ALIGNMENT: usize = 8;

/// No red zone; what is saved lies above the stack pointer.
pub(crate) const BYTES_BELOW: usize = 0;

pub(crate) const FIRST_FRAME: usize = size_of::<FirstFrame>();

/// A context is the address of this.
#[repr(C)]
struct Saved {
    pc: *const u8,
    r11: *mut u8,
    sp: *mut u8,
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

/// # Safety
/// `top` is aligned to `STACK_ALIGNMENT`, and the `FIRST_FRAME` bytes below it
/// may be written. `object` begins with a `ParentLink` and stays where it is.
pub(crate) unsafe fn prepare(top: *mut u8, entry: Entry, object: *mut u8) -> usize {
    let frame = top.wrapping_sub(FIRST_FRAME).cast::<FirstFrame>();
    // SAFETY: these are the bytes below `top`, which is aligned.
    unsafe {
        frame.write(FirstFrame {
            save_area: [0; 20],
            saved: Saved {
                pc: root_address(),
                r11: object,
                sp: frame.cast(),
            },
            entry,
        })
    };
    frame.expose_provenance() + offset_of!(FirstFrame, saved)
}

pub(crate) fn stack_pointer_of(context: usize) -> *mut u8 {
    // SAFETY: a context is the address of a `Saved`.
    unsafe { (*ptr::with_exposed_provenance::<Saved>(context)).sp }
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
macro_rules! switch_with {
    ($leave:ident [$($store_link:literal)?] $to:ident, $word:ident, $signal:ident $(, link: $link:ident)?) => {{
        let mut saved = MaybeUninit::<Saved>::uninit();
        let from;
        let word;
        let signal;
        asm!(
            "larl %r1, 2f",
            "stg %r1, 0(%r2)",
            "stg %r11, 8(%r2)",
            "stg %r15, 16(%r2)",
            $($store_link,)?
            $leave!(),
            "nop",
            "2:",
            $(link = in(reg_addr) $link,)?
            out("r1") _,
            inout("r2") saved.as_mut_ptr() => from,
            inout("r3") $word.0 => word,
            inout("r4") $signal => signal,
            inout("r5") $to => _,
            lateout("r6") _, lateout("r7") _, lateout("r8") _, lateout("r9") _,
            lateout("r10") _, lateout("r12") _, lateout("r13") _,
            lateout("f8") _, lateout("f9") _, lateout("f10") _, lateout("f11") _,
            lateout("f12") _, lateout("f13") _, lateout("f14") _, lateout("f15") _,
            clobber_abi("C"),
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
    unsafe { switch_with!(jump_to ["stg %r2, 0({link})"] to, word, signal, link: link) }
}

/// # Safety
/// `to` is the address of a `Saved` that nobody has continued yet.
#[inline(always)]
pub(crate) unsafe fn switch(to: usize, word: Word, signal: usize) -> Landing {
    // SAFETY: as in `resume`.
    unsafe { switch_with!(jump_to [] to, word, signal) }
}

/// # Safety
/// The bytes below `top`, which is aligned to `STACK_ALIGNMENT`, may be written
/// as soon as they are below the stack pointer.
#[inline(always)]
pub(crate) unsafe fn descend(top: usize, entry: EntryBelow, object: Word) -> Landing {
    let entry = entry as usize;
    // SAFETY: as in `resume`.
    unsafe { switch_with!(call_below [] top, object, entry) }
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
            in("r2") 0_usize,
            in("r3") word.0,
            in("r4") signal,
            in("r5") to,
            options(noreturn),
        )
    }
}

/// Entered by the first resume with r2, r3, r4 as in every landing, from the
/// first frame: r11 the object.
///
/// r11 stays the address of the parent link, so the resumer's `Saved` is always
/// at `*r11`. Marked as a signal frame, because debuggers expect the stack
/// pointer to rise from frame to frame except there.
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

/// An address inside `root`: its second instruction. A return address is looked
/// up a little before it points, and that must belong to `root` as well.
pub(crate) fn root_address() -> *const u8 {
    (root as *const u8).wrapping_add(2)
}

#[inline(always)]
pub(crate) fn stack_pointer() -> *mut u8 {
    let sp;
    // SAFETY: reads a register.
    unsafe { asm!("lgr {}, %r15", out(reg) sp, options(pure, nomem, nostack, preserves_flags)) };
    sp
}

#[inline(always)]
pub(crate) fn prefetch(address: *const u8) {
    // SAFETY: a hint; any address is allowed and nothing is changed.
    unsafe {
        asm!("pfd 1, 0({})", in(reg_addr) address, options(readonly, nostack, preserves_flags))
    };
}
