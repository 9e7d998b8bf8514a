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
    pub(crate) fn get() -> usize {
        RESUMER.with(|note| note.get())
    }
}

#[inline(always)]
pub(crate) fn set(resumer: NonZeroUsize) {
    note::set(resumer.get());
}
#[inline(always)]
pub(crate) fn get() -> usize {
    note::get()
}

#[inline(always)]
pub(crate) fn check(guess: usize, root: NonZeroUsize) -> NonZeroUsize {
    if guess == root.get() {
        unsafe { NonZeroUsize::new_unchecked(guess) }
    } else {
        other(root)
    }
}

#[cold]
#[inline(never)]
fn other(root: NonZeroUsize) -> NonZeroUsize {
    core::hint::black_box(root)
}
