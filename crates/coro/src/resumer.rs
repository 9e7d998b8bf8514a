//! The resumer of the running coroutine.
//!
//! That is known in three places, each for one purpose:
//!
//! - the *token* that arrives with each resume, in a register. A suspend that the compiler has
//!   inlined after the arrival uses it from there;
//! - the *link* at the root of the coroutine's stack, which the resume has stored. It is what
//!   counts, and what unwinders and debuggers follow;
//! - the *note* of the thread: the link of the coroutine that was resumed last. The link is the
//!   coroutine's own memory, likely to be cold where thousands take turns, and everything that
//!   the processor does next is on the resumer's stack: it would have to wait for the load. The
//!   note is always warm. Comparing it with the link is a branch, which the processor predicts,
//!   and no longer something to wait for.
//!
//! **Invariant.** From each arrival of a resume to the switch that leaves, the link is the token
//! of that arrival.
//!
//! *Proof.* [`ExecutionContext::resume`] stores the caller's context in the link and continues
//! the coroutine, to which it hands the same context. While the coroutine runs, nothing but a
//! resume of it stores to its link, and it cannot be resumed then: its own token is on its way, or
//! was taken from its owner. ∎
//!
//! The note has no invariant. One that is wrong (an inner coroutine has run in between) costs a
//! mispredicted branch, and is never believed.
//!
//! With the feature `movable` there is no note. A coroutine that changes its thread would
//! need none that is right, but the compiler may keep the *address* of a thread-local across a
//! switch: the coroutine would write to the note of a thread that has one of its own
//! to write there, or that has ended, and whose memory is unmapped.

use core::num::NonZeroUsize;
use sure_context::{ExecutionContext, ParentLink, speculate};

/// The link at the root of a stack, with what else is known of the resumer.
#[repr(transparent)]
pub(crate) struct Resumer(ParentLink);

impl Resumer {
    pub(crate) fn new() -> Resumer {
        Resumer(ParentLink::new())
    }

    /// Takes the token that a resume has brought: the first act after every arrival.
    ///
    /// # Safety
    /// The coroutine was resumed with this link, and has just arrived with this token.
    #[inline(always)]
    pub(crate) unsafe fn arrived(&self, token: Option<ExecutionContext>) {
        // SAFETY: a resume suspends its caller, so it brings a token.
        let token = unsafe { token.unwrap_unchecked() }.into_raw();
        note::keep(token.get());
        // It is in a register, and need not be loaded as long as nothing else can have stored
        // to the link.
        // SAFETY: by the invariant the link is the token that has just arrived.
        unsafe { core::hint::assert_unchecked(self.link() == token) };
    }

    /// The token of the resumer, to continue it.
    ///
    /// # Safety
    /// The coroutine runs, and continues its resumer with this token only.
    #[inline(always)]
    pub(crate) unsafe fn take(&self) -> ExecutionContext {
        // The note is read first: of two equal values, the compiler keeps the older.
        let token = match note::read() {
            // SAFETY: it returns its second argument, which is not zero; the coroutine runs.
            Some(guess) => unsafe {
                NonZeroUsize::new_unchecked(speculate(guess, self.link().get()))
            },
            // SAFETY: the coroutine runs.
            None => unsafe { self.link() },
        };
        // SAFETY: by the invariant this is the token that has arrived with the present resume;
        // `arrived` has taken that one apart, and the caller uses no other.
        unsafe { ExecutionContext::from_raw(token) }
    }

    /// Makes walks of the stack end at this root, until the next resume: the coroutine is
    /// suspended, and its last resumer has gone on.
    #[cfg(feature = "std")]
    pub(crate) fn has_gone_on(&self) {
        self.0.lead_nowhere();
    }

    /// # Safety
    /// The coroutine was resumed, and runs.
    #[inline(always)]
    unsafe fn link(&self) -> NonZeroUsize {
        // SAFETY: a resume has stored the link; the token is a number from here on.
        unsafe { self.0.resumer() }.into_raw()
    }
}

#[cfg(all(feature = "std", not(feature = "movable")))]
mod note {
    use std::cell::Cell;

    thread_local! {
        static NOTE: Cell<usize> = const { Cell::new(0) };
    }

    /// Stores only what is new: where one caller resumes many, the next read need not wait for
    /// a store of what has come from cold memory.
    #[inline(always)]
    pub(super) fn keep(resumer: usize) {
        NOTE.with(|note| {
            if note.get() != resumer {
                core::hint::cold_path();
                note.set(resumer);
            }
        });
    }

    #[inline(always)]
    pub(super) fn read() -> Option<usize> {
        Some(NOTE.with(Cell::get))
    }
}

/// Without the standard library there are no thread-locals, and no guess.
#[cfg(any(not(feature = "std"), feature = "movable"))]
mod note {
    #[inline(always)]
    pub(super) fn keep(_: usize) {}

    #[inline(always)]
    pub(super) fn read() -> Option<usize> {
        None
    }
}
