//! What every architecture does alike, with what its file has named. That file
//! includes this one.

use super::{BYTES_BELOW, CONTEXT, FirstFrame, ROOT_BEGIN, SAVED, Saved, root};
use crate::arch::Entry;
use core::arch::asm;
use core::mem::size_of;
use core::ptr;

/// What an entry returns: nothing, because it never does.
pub(crate) type Left = core::convert::Infallible;

/// The return address that ends a walk of the stack.
#[allow(dead_code, reason = "an architecture may have another")]
pub(crate) const END_OF_WALK: usize = 0;

/// See [`ENTRY_WORDS`](crate::ExecutionContext::ENTRY_WORDS).
#[allow(dead_code, reason = "an architecture may have another")]
pub(crate) const ENTRY_WORDS: usize = 0;

/// Continues the other side for good, as the last act of an entry.
///
/// # Safety
/// As for `exit_to`.
#[inline(always)]
pub(crate) unsafe fn leave(to: usize, word: crate::Word, signal: usize) -> Left {
    // SAFETY: the caller promises what `exit_to` asks: `to` is continued here only, and the
    // frames of the caller are never returned to.
    unsafe { super::exit_to(to, word, signal) }
}

/// The bytes below `top` that a fresh execution has in use.
pub(crate) const FIRST_FRAME: usize = if size_of::<FirstFrame>() > BYTES_BELOW {
    size_of::<FirstFrame>()
} else {
    BYTES_BELOW
};

/// Why a first frame cannot be laid out: it always can.
pub(crate) type Refusal = core::convert::Infallible;

/// The system's number of that.
pub(crate) fn os_error(refusal: &Refusal) -> i32 {
    match *refusal {}
}

/// # Safety
/// `top` is aligned to `STACK_ALIGNMENT`, and the `FIRST_FRAME` bytes below it
/// may be written. `object` begins with a `ParentLink` and stays where it is.
pub(crate) unsafe fn prepare(
    top: *mut u8,
    entry: Entry,
    object: *mut u8,
) -> Result<usize, Refusal> {
    let frame = top.wrapping_sub(size_of::<FirstFrame>()).cast::<FirstFrame>();
    // SAFETY: these are the bytes below `top`, whose alignment is enough.
    unsafe { frame.write(FirstFrame::first(frame.addr(), entry, object)) };
    Ok(frame.expose_provenance() + SAVED + CONTEXT)
}

/// The stack pointer that a suspended execution will continue with.
///
/// # Safety
/// `context` is that of a suspended execution whose `Saved` is in place and may
/// be read.
#[inline]
pub(crate) unsafe fn stack_pointer_of(context: usize) -> *mut u8 {
    let saved = ptr::with_exposed_provenance::<Saved>(context - CONTEXT);
    // SAFETY: a context is the address of that place in a `Saved`, which is
    // there (the caller's promise).
    let stack_pointer = unsafe { (*saved).stack_pointer() };
    ptr::with_exposed_provenance_mut(stack_pointer)
}

/// An address inside `root`: its second instruction.
pub(crate) fn root_address() -> *const u8 {
    (root as *const u8).wrapping_add(ROOT_BEGIN)
}

/// Returns `value`, which the compiler does not know. (`black_box` says the
/// same through memory, and takes a slot of the caller's frame.)
#[inline(always)]
pub(crate) fn opaque(value: usize) -> usize {
    let result;
    // SAFETY: no instruction.
    unsafe {
        asm!(
            "/* {} */",
            inout(reg) value => result,
            options(pure, nomem, nostack, preserves_flags),
        )
    };
    result
}
