//! The switch as inline assembly. The file of an architecture includes this one
//! after its macros `exchange!` and `depart!`, which are the `asm!` blocks, and
//! `jump_to!` and `call_below!`, of which an exchange ends in one.
//!
//! An exchange writes scratch registers before it has read its last input, the
//! parent link. So each of these is an early clobber, `out`, which shares its
//! register with no input. `lateout`, and `clobber_abi`, which means the same,
//! promise that all inputs have been read before the register is written: they
//! are for what the other side leaves behind. In `depart!` and `call_below!`
//! every input is named by its register, and no scratch register is among these.

// What the macros name.
use super::*;
use crate::Word;
use crate::arch::{EntryBelow, Landing};

/// # Safety
/// `to` is the context of an execution that nobody has continued yet; `link`
/// may be written.
#[inline(always)]
pub(crate) unsafe fn resume(
    to: usize,
    link: *mut u8,
    mut word: Word,
    mut signal: usize,
) -> Landing {
    let from;
    // SAFETY: every register that the other side may change is saved by the
    // block or declared lost to the compiler; memory is not declared untouched.
    unsafe { exchange!(jump_to, from, to, word, signal, link) };
    Landing { from, word, signal }
}

/// # Safety
/// `to` is the context of an execution that nobody has continued yet.
#[inline(always)]
pub(crate) unsafe fn switch(to: usize, mut word: Word, mut signal: usize) -> Landing {
    let from;
    // SAFETY: as in `resume`.
    unsafe { exchange!(jump_to, from, to, word, signal) };
    Landing { from, word, signal }
}

/// # Safety
/// The bytes below `top`, which is aligned to `STACK_ALIGNMENT`, may be written
/// as soon as they are below the stack pointer.
#[inline(always)]
pub(crate) unsafe fn descend(top: usize, entry: EntryBelow, object: Word) -> Landing {
    let from;
    let (mut word, mut signal) = (object, entry as usize);
    // SAFETY: as in `resume`.
    unsafe { exchange!(call_below, from, top, word, signal) };
    Landing { from, word, signal }
}

/// # Safety
/// `to` is the context of an execution that nobody has continued yet. The
/// frames of the caller are never returned to.
#[inline(always)]
pub(crate) unsafe fn exit_to(to: usize, word: Word, signal: usize) -> ! {
    // SAFETY: the block leaves this stack for good, so nothing needs saving.
    unsafe { depart!(to, word, signal) }
}
