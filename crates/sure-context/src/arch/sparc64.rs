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

use super::{Entry, EntryBelow, Landing};
use crate::Word;
use core::arch::{asm, naked_asm};
use core::mem::{offset_of, size_of};
use core::ptr;

pub(crate) const STACK_ALIGNMENT: usize = 16;

/// No red zone; what is saved lies above the stack pointer.
pub(crate) const BYTES_BELOW: usize = 0;

pub(crate) const FIRST_FRAME: usize = size_of::<Frame>();

const BIAS: usize = 2047;

/// A context is the address of this.
#[repr(C)]
struct Saved {
    sp: usize,
    pc: *const u8,
}

/// The frame of a suspended switch, from the stack pointer up: where windows
/// are spilled to, six arguments of a callee, and what is saved. The first
/// frame looks the same, so that `root` finds its window filled.
#[repr(C, align(16))]
struct Frame {
    l0: *mut u8,
    l1: Option<Entry>,
    l2_l7: [usize; 6],
    i0_i7: [usize; 8],
    arguments: [usize; 6],
    saved: Saved,
}

const _: () = assert!(offset_of!(Frame, saved) == 176 && size_of::<Frame>() == 192);

/// # Safety
/// `top` is aligned to `STACK_ALIGNMENT`, and the `FIRST_FRAME` bytes below it
/// may be written. `object` begins with a `ParentLink` and stays where it is.
pub(crate) unsafe fn prepare(top: *mut u8, entry: Entry, object: *mut u8) -> usize {
    let frame = top.wrapping_sub(FIRST_FRAME).cast::<Frame>();
    // SAFETY: these are the bytes below `top`, which is aligned.
    unsafe {
        frame.write(Frame {
            l0: object,
            l1: Some(entry),
            l2_l7: [0; 6],
            i0_i7: [0; 8],
            arguments: [0; 6],
            saved: Saved {
                sp: frame.addr() - BIAS,
                pc: root_address().wrapping_sub(8),
            },
        })
    };
    frame.expose_provenance() + offset_of!(Frame, saved)
}

pub(crate) fn stack_pointer_of(context: usize) -> *mut u8 {
    ptr::with_exposed_provenance_mut(context - offset_of!(Frame, saved))
}

/// A window of its own, and everybody else's in memory; then the arguments are
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
/// signal, link)`. Returned are `from`, with the signal in its lowest bit, and
/// the word.
macro_rules! switch_with {
    ($($store_link:literal)?) => {
        naked_asm!(
            ".cfi_startproc",
            enter!(),
            "mov %i0, %l1",
            "add %fp, 2047 - 16, %l0",
            "stx %fp, [%l0]",
            "stx %i7, [%l0 + 8]",
            $($store_link,)?
            "or %l0, %i2, %i0",
            continue_other!(),
            ".cfi_endproc",
        )
    };
}

/// What a switch returns, in two registers.
#[repr(C)]
struct Registers {
    from_and_signal: usize,
    word: Word,
}

#[unsafe(naked)]
unsafe extern "C" fn resume_out_of_line(
    to: usize,
    word: Word,
    signal: usize,
    link: *mut u8,
) -> Registers {
    switch_with!("stx %l0, [%i3]")
}

#[unsafe(naked)]
unsafe extern "C" fn switch_out_of_line(to: usize, word: Word, signal: usize) -> Registers {
    switch_with!()
}

/// As `switch_with`, but then the function in %i2 is called with `(from,
/// object)`, on a frame of its own below %i0, and as the end of every walk:
/// nothing returns there, and what lies above is about to be overwritten.
#[unsafe(naked)]
unsafe extern "C" fn descend_out_of_line(
    top: usize,
    object: Word,
    entry: EntryBelow,
) -> Registers {
    naked_asm!(
        ".cfi_startproc",
        enter!(),
        "add %fp, 2047 - 16, %o0",
        "stx %fp, [%o0]",
        "stx %i7, [%o0 + 8]",
        ".cfi_undefined 15",
        "mov %i1, %o1",
        "mov -8, %i7",
        "sub %i0, 2047 + 192, %sp",
        "mov %g0, %fp",
        "jmp %i2",
        "mov -8, %o7",
        ".cfi_endproc",
    )
}

#[unsafe(naked)]
unsafe extern "C" fn exit_out_of_line(to: usize, word: Word, signal: usize) -> ! {
    naked_asm!(
        ".cfi_startproc",
        enter!(),
        "mov %i0, %l1",
        "mov %i2, %i0",
        continue_other!(),
        ".cfi_endproc",
    )
}

#[inline(always)]
fn land(registers: Registers) -> Landing {
    Landing {
        from: registers.from_and_signal & !1,
        word: registers.word,
        signal: registers.from_and_signal & 1,
    }
}

/// # Safety
/// `to` is the address of a `Saved` that nobody has continued yet; `link` may
/// be written.
#[inline(always)]
pub(crate) unsafe fn resume(to: usize, link: *mut u8, word: Word, signal: usize) -> Landing {
    // SAFETY: the caller's promise is what the function needs; it keeps the
    // registers that the ABI wants kept.
    land(unsafe { resume_out_of_line(to, word, signal, link) })
}

/// # Safety
/// `to` is the address of a `Saved` that nobody has continued yet.
#[inline(always)]
pub(crate) unsafe fn switch(to: usize, word: Word, signal: usize) -> Landing {
    // SAFETY: as in `resume`.
    land(unsafe { switch_out_of_line(to, word, signal) })
}

/// # Safety
/// The bytes below `top`, which is aligned to `STACK_ALIGNMENT`, may be written
/// as soon as they are below the stack pointer.
#[inline(always)]
pub(crate) unsafe fn descend(top: usize, entry: EntryBelow, object: Word) -> Landing {
    // SAFETY: as in `resume`.
    land(unsafe { descend_out_of_line(top, object, entry) })
}

/// # Safety
/// `to` is the address of a `Saved` that nobody has continued yet. The frames
/// of the caller are never returned to.
#[inline(always)]
pub(crate) unsafe fn exit_to(to: usize, word: Word, signal: usize) -> ! {
    // SAFETY: the caller's promise is what the function needs.
    unsafe { exit_out_of_line(to, word, signal) }
}

/// Entered by the first resume with %o0 and %o1 as at the return of a switch,
/// and in the window of the first frame: %l0 the object, %l1 the entry.
///
/// %l0 stays the address of the parent link, so the resumer's `Saved` is always
/// at `*%l0`, and its frame, where its window is, begins 16 bytes above. Marked
/// as a signal frame, because debuggers expect the stack pointer to rise from
/// frame to frame except there.
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

/// An address inside `root`: its second instruction. A return address is looked
/// up a little before it points, and that must belong to `root` as well.
pub(crate) fn root_address() -> *const u8 {
    (root as *const u8).wrapping_add(4)
}

#[inline(always)]
pub(crate) fn stack_pointer() -> *mut u8 {
    let sp;
    // SAFETY: reads a register.
    unsafe {
        asm!(
            "add %sp, 2047, {}",
            out(reg) sp,
            options(pure, nomem, nostack, preserves_flags),
        )
    };
    sp
}

#[inline(always)]
pub(crate) fn prefetch(address: *const u8) {
    // SAFETY: a hint; any address is allowed and nothing is changed.
    unsafe {
        asm!("prefetch [{}], 0", in(reg) address, options(readonly, nostack, preserves_flags))
    };
}
