//! Who resumed the running coroutine: a guess that is always at hand.
//!
//! The resumer of a coroutine is written at the root of its stack, where
//! [`suspend`](crate::SuspendHandle::suspend) reads it. But that is the
//! coroutine's own memory, likely to be cold where thousands take turns, and
//! everything that the processor does next is on the resumer's stack: it would
//! have to wait for the load. A thread-local is always warm. So whoever is
//! resumed notes its resumer here, and the next suspend on this thread starts
//! from the note: comparing it with the root is a branch, which the processor
//! predicts, and no longer something to wait for.
//!
//! A note that is wrong (an inner coroutine has run in between) costs that
//! branch; it is never believed.

use core::num::NonZeroUsize;
use sure_context::speculate;

#[cfg(feature = "std")]
mod note {
    use std::cell::Cell;

    thread_local! {
        static RESUMER: Cell<usize> = const { Cell::new(0) };
    }

    #[inline(always)]
    pub(crate) fn set(resumer: usize) {
        RESUMER.with(|note| note.set(resumer));
    }

    #[inline(always)]
    pub(crate) fn get() -> Option<usize> {
        Some(RESUMER.with(Cell::get))
    }
}

/// Without the standard library there are no thread-locals, and no guess.
#[cfg(not(feature = "std"))]
mod note {
    #[inline(always)]
    pub(crate) fn set(_: usize) {}

    #[inline(always)]
    pub(crate) fn get() -> Option<usize> {
        None
    }
}

/// Notes that a coroutine of this thread has been resumed by `resumer`.
#[inline(always)]
pub(crate) fn set(resumer: NonZeroUsize) {
    note::set(resumer.get());
}

/// What `root` returns, but not waiting for it where the note says the same.
#[inline(always)]
pub(crate) fn resumer(root: impl FnOnce() -> NonZeroUsize) -> NonZeroUsize {
    // The note is read first: of two equal values, the compiler keeps the older.
    match note::get() {
        // SAFETY: it returns its second argument, which is not zero.
        Some(guess) => unsafe { NonZeroUsize::new_unchecked(speculate(guess, root().get())) },
        None => root(),
    }
}
