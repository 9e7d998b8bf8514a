//! What an architecture has to provide. (`selection.rs` chooses one for a target.)
//!
//! The file of an architecture has, in this order:
//!
//! | item | what it is |
//! |---|---|
//! | `STACK_ALIGNMENT` | alignment of the stack pointer at a switch, in bytes |
//! | `BYTES_BELOW` | bytes below a suspended stack pointer that are still in use: saved registers, and whatever of a red zone is not empty |
//! | `ENTRY_WORDS` | how many words of a fresh stack are known in advance, [at most](crate::ExecutionContext::ENTRY_WORDS); `common.rs` says 0 |
//! | `Saved` | the saved registers of a suspended execution, a struct whose fields are named after the registers |
//! | `CONTEXT` | where in a `Saved` an [`ExecutionContext`](crate::ExecutionContext) points |
//! | `Saved::stack_pointer` | the stack pointer that it will continue with |
//! | `FirstFrame` | what is written below `top` of a fresh stack: a `Saved`, `SAVED` bytes from its beginning, and what the ABI wants around it |
//! | `FirstFrame::first` | that of an execution that will begin in `root` |
//! | `exchange!` | save, perhaps store the saved address in a parent link, and then continue the other side (`jump_to!`), or call a function further down (`call_below!`; out of line, that is `descend!`) |
//! | `depart!` | continue the other side, save nothing |
//! | `root` | the function at the bottom of every fresh stack: calls the entry, and describes to unwinders how to go on in the resumer; its first instruction has `ROOT_BEGIN` bytes |
//! | `stack_pointer_is!`, `prefetch_is!` | the instructions for that |
//!
//! At its end it includes what follows from these: `common.rs`, and the shape
//! of its switch, `inline.rs` or `out_of_line.rs`.
//!
//! # The contract of a switch
//!
//! `resume` and `switch` receive the address of the other side's `Saved`
//! (`to`), a [`Word`](crate::Word) and a number (`signal`). They save what the
//! ABI calls non-volatile, as far as the compiler was not told that it is
//! lost, and continue the other side with three values, in registers:
//! the address of the `Saved` just written (`from`), the word and the number.
//! When another execution continues the caller, they return the three values
//! that this one passed. `exit_to` passes a null `from`.
//!
//! Where the compiler lets every register be named, the switch is inline
//! assembly with everything declared lost, so that the compiler saves only
//! what is alive at that place; what it reserves for itself (frame pointer,
//! base pointer) is what `Saved` holds. Where it does not (MIPS keeps values in
//! `$1`, which cannot be named), the switch is an ordinary out-of-line function
//! that saves every non-volatile register, and its ABI makes the rest
//! volatile. Such a function returns at most two registers, so the signal
//! travels in the lowest bit of `from`. Both shapes fit these items.
//!
//! On x86-64 `Saved` lies below the suspended stack pointer, in the red zone.
//! Elsewhere a signal handler may overwrite what is there, so it lies above: a
//! local of the inline switch, or the frame of the out-of-line one. There
//! `BYTES_BELOW` is 0.
//!
//! `descend` saves the caller in the same way, and then calls `entry(from,
//! object)` on a fresh frame at a given address: nothing is written there
//! before the stack pointer is below it. A signal handler can run at any
//! instruction, on whatever lies below the stack pointer.
//!
//! At every instruction of a switch the unwind information is right: up to the
//! one that sets the stack pointer it describes the side that is left, from
//! there on the other side, as if that had called. A signal handler that
//! interrupts in between (a profiler's, say) can walk the stack. (Not on Arm,
//! whose unwind tables know whole functions only.)
//!
//! Return addresses are looked up one byte before they point. So between the
//! jump of an inline switch and the label behind it stands a `nop` that is never
//! executed, where the state of the jump does not hold any more.
//!
//! Both directions leave by a jump, through a register that processors do not
//! take for a return: their prediction of returns stays balanced.
//!
//! # The contract of the first entry
//!
//! `root` calls `entry(from, word, signal, object)` with the three values of
//! the first resume, on a stack aligned as the ABI wants it at a call.
//! `entry` never returns. `object` begins with a
//! [`ParentLink`](crate::ParentLink), from which `root` and its unwind
//! information find the resumer of the moment. A non-volatile register keeps
//! the address of the link while the entry runs, and the unwind information of
//! `root` reads the link through it (an expression of DWARF).
//!
//! `root` is marked as a signal frame, because debuggers expect the stack
//! pointer to rise from frame to frame except there. An address inside it is
//! never that of its first instruction: a return address is looked up a little
//! before it points, and that must belong to `root` as well.

use crate::Word;

/// What arrives on the side that is continued.
pub(crate) struct Landing {
    /// Address of the `Saved` of the side that was left, or null if it exited.
    pub(crate) from: usize,
    /// The word that travelled.
    pub(crate) word: Word,
    /// The number that travelled: 0 for "run", 1 for "unwind".
    pub(crate) signal: usize,
}

/// What `root` calls: `(from, word, signal, object)`. It never returns, except in
/// the portable backend, where it returns to where execution goes on.
pub(crate) type Entry = unsafe extern "C" fn(usize, Word, usize, *mut u8) -> Left;

/// What `descend` calls: `(from, object)`. As [`Entry`].
pub(crate) type EntryBelow = unsafe extern "C" fn(usize, *mut u8) -> Left;

/// Unwind directives are allowed only inside functions that have unwind
/// information, which a build that aborts on panic may leave out. (A naked
/// function brings its own, and needs no such care.)
#[cfg(panic = "unwind")]
#[allow(unused_macros, reason = "out-of-line switches are naked functions")]
macro_rules! cfi {
    ($directives:expr) => {
        $directives
    };
}
#[cfg(not(panic = "unwind"))]
#[allow(unused_macros, reason = "out-of-line switches are naked functions")]
macro_rules! cfi {
    ($directives:expr) => {
        ""
    };
}

#[macro_use]
#[allow(unused_macros, reason = "a target that is not supported names none")]
mod instructions;

#[macro_use]
mod selection;

#[macro_use]
#[allow(unused_macros, reason = "for instruction sets of two widths")]
mod width;

// Where no line of the selection applies, this is `backend.rs`, which says what
// is supported.
#[cfg(not(any(sure_context_portable, windows)))]
crate::select_by_architecture! {
    mod backend;
}

#[cfg(any(sure_context_portable, windows))]
#[path = "portable.rs"]
mod backend;

pub(crate) use backend::*;
