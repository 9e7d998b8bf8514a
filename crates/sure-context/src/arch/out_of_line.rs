//! The switch as functions of their own. The file of an architecture includes
//! this one after its macros `exchange!`, `descend!` and `depart!`, which are
//! the bodies.
//!
//! A function returns at most two registers: the signal travels in the lowest
//! bit of `from`, which is an address of at least two bytes' alignment.

use super::Registers;
use crate::Word;
use crate::arch::{EntryBelow, Landing};
use core::arch::naked_asm;

#[unsafe(naked)]
unsafe extern "C" fn resume_function(
    to: usize,
    word: Word,
    signal: usize,
    link: *mut u8,
) -> Registers {
    naked_asm!(exchange!(store_link!()))
}

#[unsafe(naked)]
unsafe extern "C" fn switch_function(to: usize, word: Word, signal: usize) -> Registers {
    naked_asm!(exchange!(""))
}

#[unsafe(naked)]
unsafe extern "C" fn descend_function(top: usize, object: Word, entry: EntryBelow) -> Registers {
    naked_asm!(descend!())
}

#[unsafe(naked)]
unsafe extern "C" fn exit_function(to: usize, word: Word, signal: usize) -> ! {
    naked_asm!(depart!())
}

/// What a switch returns; as `Registers`, so that it is in two of them.
#[repr(C)]
pub(super) struct Pair {
    pub(super) from_and_signal: usize,
    pub(super) word: Word,
}

#[inline(always)]
fn land(registers: Registers) -> Landing {
    let Pair {
        from_and_signal,
        word,
    } = registers.into();
    Landing {
        from: from_and_signal & !1,
        word,
        signal: from_and_signal & 1,
    }
}

/// # Safety
/// 1. `to` is the context of a suspended execution, whose stack is alive and
///    which is continued by this call only.
/// 2. `link` may be written.
#[inline(always)]
pub(crate) unsafe fn resume(to: usize, link: *mut u8, word: Word, signal: usize) -> Landing {
    // SAFETY: the function reads the registers saved at `to` (1), writes the link
    // (2) and its own frame, and keeps the registers that the ABI wants kept.
    land(unsafe { resume_function(to, word, signal, link) })
}

/// # Safety
/// `to` is the context of a suspended execution, whose stack is alive and
/// which is continued by this call only.
#[inline(always)]
pub(crate) unsafe fn switch(to: usize, word: Word, signal: usize) -> Landing {
    // SAFETY: the function reads the registers saved at `to`, writes its own frame, and keeps
    // the registers that the ABI wants kept.
    land(unsafe { switch_function(to, word, signal) })
}

/// # Safety
/// The bytes below `top`, which is aligned to `STACK_ALIGNMENT`, may be written
/// as soon as they are below the stack pointer.
#[inline(always)]
pub(crate) unsafe fn descend(top: usize, entry: EntryBelow, object: Word) -> Landing {
    // SAFETY: the bytes below `top` are written only from a stack pointer there;
    // registers are kept as by the function of `resume`.
    land(unsafe { descend_function(top, object, entry) })
}

/// # Safety
/// 1. `to` is the context of a suspended execution, whose stack is alive and
///    which is continued by this call only.
/// 2. No frame of the caller's stack has anything left to drop.
#[inline(always)]
pub(crate) unsafe fn exit_to(to: usize, word: Word, signal: usize) -> ! {
    // SAFETY: the function reads the registers saved at `to` (1), and leaves a
    // stack on which nothing is left to do (2).
    unsafe { exit_function(to, word, signal) }
}
