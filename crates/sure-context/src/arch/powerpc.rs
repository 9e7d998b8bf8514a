//! PowerPC, 32 bits, System V ABI with hardware floating point.
//!
//! Non-volatile are r1 (sp), r14-r31, f14-f31 and the condition fields cr2-cr4;
//! r2 and r13 never change (System V ABI, PowerPC Processor Supplement, 3-14
//! ff.). So are v20-v31 where AltiVec is there. `asm!` can declare all of them
//! lost except r29-r31, which the compiler reserves: those, sp and the address
//! to continue at are what a switch saves itself, in a local.
//!
//! Both directions leave through ctr, and `bcl 20, 31` is known to processors
//! as a way to ask for an address: the prediction of later returns stays right.

use super::{Entry, EntryBelow, Landing};
use crate::Word;
use core::arch::{asm, naked_asm};
use core::mem::{MaybeUninit, offset_of, size_of};
use core::ptr;

pub(crate) const STACK_ALIGNMENT: usize = 16;

/// No red zone; what is saved lies above the stack pointer.
pub(crate) const BYTES_BELOW: usize = 0;

pub(crate) const FIRST_FRAME: usize = size_of::<FirstFrame>();

/// A context is the address of this.
#[repr(C)]
struct Saved {
    pc: *const u8,
    r29: usize,
    r30: *mut u8,
    r31: Option<Entry>,
    sp: *mut u8,
}

const _: () = assert!(offset_of!(Saved, r29) == 4 && offset_of!(Saved, sp) == 16);

/// At the stack pointer: an end of the chain of frames, and what a caller
/// provides for `entry` to save its return address in.
#[repr(C, align(16))]
struct FirstFrame {
    back_chain: usize,
    for_entry: usize,
    saved: Saved,
}

/// # Safety
/// `top` is aligned to `STACK_ALIGNMENT`, and the `FIRST_FRAME` bytes below it
/// may be written. `object` begins with a `ParentLink` and stays where it is.
pub(crate) unsafe fn prepare(top: *mut u8, entry: Entry, object: *mut u8) -> usize {
    let frame = top.wrapping_sub(FIRST_FRAME).cast::<FirstFrame>();
    // SAFETY: these are the bytes below `top`, which is aligned.
    unsafe {
        frame.write(FirstFrame {
            back_chain: 0,
            for_entry: 0,
            saved: Saved {
                pc: root_address(),
                r29: 0,
                r30: object,
                r31: Some(entry),
                sp: frame.cast(),
            },
        })
    };
    frame.expose_provenance() + offset_of!(FirstFrame, saved)
}

pub(crate) fn stack_pointer_of(context: usize) -> *mut u8 {
    // SAFETY: a context is the address of a `Saved`.
    unsafe { (*ptr::with_exposed_provenance::<Saved>(context)).sp }
}

/// CFI: the registers of a `Saved`, where the canonical frame address is its
/// beginning; sp is one of them, and the link register (65) the return address.
macro_rules! saved_registers {
    () => {
        ".cfi_offset 65, 0
         .cfi_offset 29, 4
         .cfi_offset 30, 8
         .cfi_offset 31, 12
         .cfi_offset 1, 16\n"
    };
}

/// Continue the context in r6.
macro_rules! jump_to {
    () => {
        concat!(
            "lwz 7, 0(6)
             mtctr 7
\n",
            cfi!(".cfi_remember_state\n"),
            "lwz 1, 16(6)\n",
            cfi!(".cfi_def_cfa 6, 0\n"),
            cfi!(saved_registers!()),
            "lwz 29, 4(6)
             lwz 30, 8(6)
             lwz 31, 12(6)
             bctr\n",
            cfi!(".cfi_restore_state\n"),
        )
    };
}

/// Call the function in r5 with `(from, object)`, on a stack that ends at
/// r6, and as the end of every walk: nothing returns there, and what lies
/// above is about to be overwritten.
macro_rules! call_below {
    () => {
        concat!(
            cfi!(".cfi_remember_state\n"),
            cfi!(".cfi_undefined 65\n"),
            "addi 1, 6, -16
             li 7, 0
             stw 7, 0(1)
             mtlr 7
             mtctr 5
             bctr\n",
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
            "bcl 20, 31, 3f",
            "3:",
            "mflr 7",
            "addi 7, 7, 2f - 3b",
            "stw 7, 0(3)",
            "stw 29, 4(3)",
            "stw 30, 8(3)",
            "stw 31, 12(3)",
            "stw 1, 16(3)",
            $($store_link,)?
            $leave!(),
            "nop",
            "2:",
            $(link = in(reg_nonzero) $link,)?
            inout("r3") saved.as_mut_ptr() => from,
            inout("r4") $word.0 => word,
            inout("r5") $signal => signal,
            inout("r6") $to => _,
            out("r7") _,
            lateout("r14") _, lateout("r15") _, lateout("r16") _, lateout("r17") _, lateout("r18") _,
            lateout("r19") _, lateout("r20") _, lateout("r21") _, lateout("r22") _, lateout("r23") _,
            lateout("r24") _, lateout("r25") _, lateout("r26") _, lateout("r27") _, lateout("r28") _,
            lateout("f14") _, lateout("f15") _, lateout("f16") _, lateout("f17") _, lateout("f18") _,
            lateout("f19") _, lateout("f20") _, lateout("f21") _, lateout("f22") _, lateout("f23") _,
            lateout("f24") _, lateout("f25") _, lateout("f26") _, lateout("f27") _, lateout("f28") _,
            lateout("f29") _, lateout("f30") _, lateout("f31") _,
            lateout("v20") _, lateout("v21") _, lateout("v22") _, lateout("v23") _, lateout("v24") _,
            lateout("v25") _, lateout("v26") _, lateout("v27") _, lateout("v28") _, lateout("v29") _,
            lateout("v30") _, lateout("v31") _,
            lateout("cr2") _, lateout("cr3") _, lateout("cr4") _,
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
    unsafe { switch_with!(jump_to ["stw 3, 0({link})"] to, word, signal, link: link) }
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
            in("r3") 0_usize,
            in("r4") word.0,
            in("r5") signal,
            in("r6") to,
            options(noreturn),
        )
    }
}

/// Entered by the first resume with r3, r4, r5 as in every landing, and from
/// the first `Saved`: r31 the entry, r30 the object.
///
/// r30 stays the address of the parent link, so the resumer's `Saved` is always
/// at `*r30`. Marked as a signal frame, because debuggers expect the stack
/// pointer to rise from frame to frame except there.
#[unsafe(naked)]
unsafe extern "C" fn root() -> ! {
    naked_asm!(
        ".cfi_startproc",
        ".cfi_signal_frame",
        // DW_CFA_def_cfa_expression: DW_OP_breg30 (r30) 0, DW_OP_deref
        ".cfi_escape 0x0f, 3, 0x8e, 0, 0x06",
        saved_registers!(),
        "nop",
        "mr 6, 30",
        "mtctr 31",
        "bctrl",
        "trap",
        ".cfi_endproc",
    )
}

/// An address inside `root`: its second instruction. A return address is looked
/// up a little before it points, and that must belong to `root` as well.
pub(crate) fn root_address() -> *const u8 {
    (root as *const u8).wrapping_add(4)
}

#[inline(always)]
pub(crate) fn stack_pointer() -> *mut u8 {
    let sp;
    // SAFETY: reads a register.
    unsafe { asm!("mr {}, 1", out(reg) sp, options(pure, nomem, nostack, preserves_flags)) };
    sp
}

#[inline(always)]
pub(crate) fn prefetch(address: *const u8) {
    // SAFETY: a hint; any address is allowed and nothing is changed.
    unsafe { asm!("dcbt 0, {}", in(reg) address, options(readonly, nostack, preserves_flags)) };
}
