//! Any target with the standard library: each execution is a thread of the
//! system, and all of them but one are parked.
//!
//! A switch hands its word to another thread and waits until a thread hands one
//! back, so exactly one execution of a group runs at a time, and everything that
//! it wrote happens before what the next one reads. A context is the address of an
//! [`Execution`].
//!
//! What differs from the other backends, because the system owns the stacks:
//! - The memory given to [`prepare`](crate::prepare) stays unused. [`stack_pointer`]
//!   shows its high end while the execution runs, so code can still tell on which
//!   stack it stands, but not how much of it is in use.
//! - Thread-locals, `thread::panicking()` and backtraces belong to the execution,
//!   and a walk of the stack ends at its root.
//! - A context that is dropped leaves a thread parked for ever, and so does
//!   [`exit_to`], which cannot return through the caller's frames. A
//!   [`Departure`](crate::Departure) ends the thread.
//! - The system may have no thread for another execution: [`prepare`] has an error.
//! - In a forked child only the thread that forked is left: continuing an
//!   execution from before the fork panics there, and one that ends without a
//!   resumer in the same process aborts it.

#[path = "portable/execution.rs"]
mod execution;

use self::execution::{Execution, First, exchange};
use super::{Entry, EntryBelow, Landing};
use crate::Word;
use core::ptr;
use std::io;

pub(crate) const STACK_ALIGNMENT: usize = 16;

/// The frames of an execution are on its thread's stack.
pub(crate) const BYTES_BELOW: usize = 0;

/// The return address that ends a walk of the stack.
pub(crate) const END_OF_WALK: usize = 0;

/// Executions have stacks of their own, of which nothing is known.
pub(crate) const ENTRY_WORDS: usize = 0;

pub(crate) const FIRST_FRAME: usize = 0;

/// Where an execution that has ended goes on: the context, the word, the signal.
#[repr(C)]
pub(crate) struct Left {
    to: usize,
    word: Word,
    signal: usize,
}

/// Why there is no execution: the system has no thread for it.
pub(crate) type Refusal = io::Error;

/// The system's number of that.
pub(crate) fn os_error(refusal: &Refusal) -> i32 {
    // All systems that have threads number their errors.
    refusal.raw_os_error().unwrap_or(0)
}

/// # Safety
/// `object` is what `entry` expects when the execution is continued, and stays where it is.
pub(crate) unsafe fn prepare(
    top: *mut u8,
    entry: Entry,
    object: *mut u8,
) -> Result<usize, Refusal> {
    Execution::start(top.addr(), First::Root(entry, object))
        .map(<*const Execution>::expose_provenance)
}

/// # Safety
/// `context` is that of a suspended execution.
pub(crate) unsafe fn stack_pointer_of(context: usize) -> *mut u8 {
    // SAFETY: a suspended execution is alive.
    let top = unsafe { (*ptr::with_exposed_provenance::<Execution>(context)).top };
    ptr::with_exposed_provenance_mut(top)
}

/// # Safety
/// `to` is the context of an execution that nothing has continued yet; `link`
/// may be written.
pub(crate) unsafe fn resume(to: usize, link: *mut u8, word: Word, signal: usize) -> Landing {
    let from = Execution::current();
    // SAFETY: the caller promises that the link may be written; its first field is the resumer.
    unsafe { link.cast::<usize>().write(from.expose_provenance()) };
    // SAFETY: the caller promises that nothing else continues `to`.
    unsafe { exchange(to, from, word, signal) }
}

/// # Safety
/// `to` is the context of an execution that nothing has continued yet.
pub(crate) unsafe fn switch(to: usize, word: Word, signal: usize) -> Landing {
    // SAFETY: the caller promises that nothing else continues `to`.
    unsafe { exchange(to, Execution::current(), word, signal) }
}

/// # Safety
/// `entry` expects `object`.
pub(crate) unsafe fn descend(top: usize, entry: EntryBelow, object: Word) -> Landing {
    // SAFETY: `descend` sends a pointer.
    let object = unsafe { object.as_ptr() };
    let below = match Execution::start(top, First::Below(entry, object)) {
        Ok(below) => below.expose_provenance(),
        Err(refusal) => panic!("{}", crate::NoThread(refusal)),
    };
    // SAFETY: fresh, and continued here only.
    unsafe { exchange(below, Execution::current(), Word::EMPTY, 0) }
}

/// # Safety
/// `to` is the context of an execution that nothing has continued yet. The
/// frames of the caller are never returned to.
pub(crate) unsafe fn exit_to(to: usize, word: Word, signal: usize) -> ! {
    // SAFETY: the caller promises that nothing else continues `to`.
    unsafe { execution::exit_to(to, word, signal) }
}

/// # Safety
/// As for [`exit_to`]; the caller returns to the root at once.
pub(crate) unsafe fn leave(to: usize, word: Word, signal: usize) -> Left {
    Left { to, word, signal }
}

/// The same for all: no frame record leads anywhere.
pub(crate) fn root_address() -> *const u8 {
    ptr::without_provenance(STACK_ALIGNMENT)
}

pub(crate) fn stack_pointer() -> *mut u8 {
    let marker = 0_u8;
    let here = (&raw const marker).expose_provenance();
    let current = Execution::known();
    let top = if current.is_null() {
        0
    } else {
        // SAFETY: the calling thread's own execution is alive.
        unsafe { (*current).top }
    };
    ptr::with_exposed_provenance_mut(if top == 0 {
        here
    } else {
        top - STACK_ALIGNMENT
    })
}

pub(crate) fn prefetch(_: *const u8) {}

pub(crate) fn opaque(value: usize) -> usize {
    core::hint::black_box(value)
}
