//! RISC-V, 64 bits, ABI lp64d.
//!
//! Non-volatile are s0-s11, sp and fs0-fs11; gp and tp never change (RISC-V
//! Calling Conventions, integer and floating-point register tables). `asm!`
//! can declare all of them lost except s0 and s1, which the compiler reserves:
//! those two, sp and the address to continue at are what a switch saves
//! itself, in a local.
//!
//! Both directions leave by a jump through a4. Through ra or t0 it would look
//! like a return to the processor, and upset its prediction of later returns.

use super::{Entry, EntryBelow, Landing};
use crate::Word;
use core::arch::{asm, naked_asm};
use core::mem::{MaybeUninit, offset_of, size_of};
use core::ptr;

pub(crate) const STACK_ALIGNMENT: usize = 16;

/// No red zone; what is saved lies above the stack pointer.
pub(crate) const BYTES_BELOW: usize = 0;

pub(crate) const FIRST_FRAME: usize = size_of::<Saved>();

/// A frame record, `{caller's s0, return address}`, lies below the address that
/// s0 holds. A context is such an address, that of the field `s1`.
#[repr(C, align(16))]
struct Saved {
    s0: *mut u8,
    pc: *const u8,
    s1: Option<Entry>,
    sp: *mut u8,
}

/// From the beginning of a `Saved`, or of a parent link, to the address that
/// stands for it.
const RECORD: usize = offset_of!(Saved, s1);

const _: () = assert!(RECORD == 16 && size_of::<Saved>() == 32);

/// # Safety
/// `top` is aligned to `STACK_ALIGNMENT`, and the `FIRST_FRAME` bytes below it
/// may be written. `object` begins with a `ParentLink` and stays where it is.
pub(crate) unsafe fn prepare(top: *mut u8, entry: Entry, object: *mut u8) -> usize {
    let saved = top.wrapping_sub(FIRST_FRAME).cast::<Saved>();
    // SAFETY: these are the bytes below `top`, which is aligned.
    unsafe {
        saved.write(Saved {
            s0: object.wrapping_add(RECORD),
            pc: root_address(),
            s1: Some(entry),
            sp: saved.cast(),
        })
    };
    saved.expose_provenance() + RECORD
}

pub(crate) fn stack_pointer_of(context: usize) -> *mut u8 {
    let saved = ptr::with_exposed_provenance::<Saved>(context - RECORD);
    // SAFETY: a context is an address inside a `Saved`.
    unsafe { (*saved).sp }
}

/// CFI: the registers of a `Saved`, where the canonical frame address is the
/// context; sp is one of them.
macro_rules! saved_registers {
    () => {
        ".cfi_offset s0, -16
         .cfi_offset ra, -8
         .cfi_offset s1, 0
         .cfi_offset sp, 8\n"
    };
}

/// Continue the context in a3.
macro_rules! jump_to {
    () => {
        concat!(
            "ld a4, -8(a3)\n",
            cfi!(".cfi_remember_state\n"),
            "ld sp, 8(a3)\n",
            cfi!(".cfi_def_cfa a3, 0\n"),
            cfi!(saved_registers!()),
            "ld s0, -16(a3)
             ld s1, 0(a3)
             jr a4\n",
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
macro_rules! switch_with {
    ($leave:ident [$($store_link:literal)?] $to:ident, $word:ident, $signal:ident $(, link: $link:ident)?) => {{
        let mut saved = MaybeUninit::<Saved>::uninit();
        let from;
        let word;
        let signal;
        asm!(
            "lla a4, 2f",
            "sd s0, 0(a0)",
            "sd a4, 8(a0)",
            "sd s1, 16(a0)",
            "sd sp, 24(a0)",
            "addi a0, a0, 16",
            $($store_link,)?
            $leave!(),
            "nop",
            "2:",
            $(link = in(reg) $link,)?
            inout("a0") saved.as_mut_ptr() => from,
            inout("a1") $word.0 => word,
            inout("a2") $signal => signal,
            inout("a3") $to => _,
            out("a4") _,
            lateout("s2") _, lateout("s3") _, lateout("s4") _, lateout("s5") _, lateout("s6") _,
            lateout("s7") _, lateout("s8") _, lateout("s9") _, lateout("s10") _, lateout("s11") _,
            lateout("fs0") _, lateout("fs1") _, lateout("fs2") _, lateout("fs3") _,
            lateout("fs4") _, lateout("fs5") _, lateout("fs6") _, lateout("fs7") _,
            lateout("fs8") _, lateout("fs9") _, lateout("fs10") _, lateout("fs11") _,
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
    unsafe { switch_with!(jump_to ["sd a0, 0({link})"] to, word, signal, link: link) }
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
            in("a0") 0_usize,
            in("a1") word.0,
            in("a2") signal,
            in("a3") to,
            options(noreturn),
        )
    }
}

/// Entered by the first resume with a0, a1, a2 as in every landing, and from
/// the first `Saved`: s1 the entry, s0 the end of the object's parent link.
///
/// s0 stays that, so the resumer's context is always at `*(s0 - 16)`. Marked as a signal frame, because debuggers expect the stack
/// pointer to rise from frame to frame except there.
#[unsafe(naked)]
unsafe extern "C" fn root() -> ! {
    naked_asm!(
        ".cfi_startproc",
        ".cfi_signal_frame",
        // DW_CFA_def_cfa_expression: DW_OP_breg8 (s0) -16, DW_OP_deref
        ".cfi_escape 0x0f, 3, 0x78, 0x70, 0x06",
        saved_registers!(),
        ".option push",
        ".option norvc",
        "nop",
        ".option pop",
        "addi a3, s0, -16",
        "jalr s1",
        "unimp",
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
    unsafe { asm!("mv {}, sp", out(reg) sp, options(pure, nomem, nostack, preserves_flags)) };
    sp
}

/// `prefetch.r` of the extension Zicbop: where there is none it is an `ori` to
/// the zero register, which does nothing.
#[inline(always)]
pub(crate) fn prefetch(address: *const u8) {
    // SAFETY: a hint; any address is allowed and nothing is changed.
    unsafe {
        asm!(
            ".insn i 0x13, 0x6, x0, {}, 1",
            in(reg) address,
            options(readonly, nostack, preserves_flags),
        )
    };
}
