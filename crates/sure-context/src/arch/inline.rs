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
/// 1. `to` is the context of a suspended execution, whose stack is alive and
///    which is continued by this call only.
/// 2. `link` may be written.
#[inline(always)]
pub(crate) unsafe fn resume(
    to: usize,
    link: *mut u8,
    mut word: Word,
    mut signal: usize,
) -> Landing {
    let from;
    // SAFETY: the block reads the registers saved at `to` (1), and writes the
    // link (2) and its own local. Every register that the other side may change
    // is saved by the block or declared lost; memory is not declared untouched.
    unsafe { exchange!(jump_to, from, to, word, signal, link) };
    Landing { from, word, signal }
}

/// # Safety
/// `to` is the context of a suspended execution, whose stack is alive and
/// which is continued by this call only.
#[inline(always)]
pub(crate) unsafe fn switch(to: usize, mut word: Word, mut signal: usize) -> Landing {
    let from;
    // SAFETY: the block reads the registers saved at `to`, and writes its own local. Every
    // register that the other side may change is saved by the block or declared lost; memory is
    // not declared untouched.
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
    // SAFETY: the bytes below `top` are written only from a stack pointer there;
    // registers and memory as in the block of `resume`.
    unsafe { exchange!(call_below, from, top, word, signal) };
    Landing { from, word, signal }
}

/// # Safety
/// 1. `to` is the context of a suspended execution, whose stack is alive and
///    which is continued by this call only.
/// 2. No frame of the caller's stack has anything left to drop.
#[inline(always)]
pub(crate) unsafe fn exit_to(to: usize, word: Word, signal: usize) -> ! {
    // SAFETY: the block reads the registers saved at `to` (1). It leaves this
    // stack for good, on which nothing is left to do (2), so it saves nothing.
    unsafe { depart!(to, word, signal) }
}
