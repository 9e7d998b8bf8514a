//! Which coroutine of this thread was continued last, and by whom.
//!
//! The resumer of a coroutine is written at the root of its stack, and
//! [`suspend`](crate::SuspendHandle::suspend) could always read it there. But
//! that is the coroutine's own memory, likely to be cold where thousands take
//! turns, and the next thing the processor needs is on the resumer's stack: it
//! would have to wait for the load. A thread-local is always warm. So every
//! coroutine that is continued notes itself and its resumer here, and a
//! suspend that finds itself noted need not look at its own memory.
//!
//! Nothing is ever erased. If the note names a handle, then the last arrival
//! of that handle on this thread has written it, and a handle that is running
//! has arrived on this thread last; so the resumer beside it is the present one.
//! Whoever finds another name (an outer coroutine after an inner one has run)
//! reads its own root instead.

use core::ptr::NonNull;
use sure_context::ExecutionContext;

#[cfg(feature = "std")]
mod note {
    use super::*;
    use std::cell::Cell;
    use std::ptr;

    struct Note {
        handle: Cell<*const ()>,
        resumer: Cell<*mut u8>,
    }

    thread_local! {
        static NOTE: Note =
            const { Note { handle: Cell::new(ptr::null()), resumer: Cell::new(ptr::null_mut()) } };
    }

    #[inline(always)]
    pub(crate) fn arrive(handle: *const (), from: NonNull<u8>) {
        NOTE.with(|note| {
            note.handle.set(handle);
            note.resumer.set(from.as_ptr());
        });
    }

    #[inline(always)]
    pub(crate) fn resumer_of(handle: *const ()) -> Option<NonNull<u8>> {
        NOTE.with(|note| {
            if note.handle.get() == handle {
                // SAFETY: beside a handle stands a resumer, which is never null.
                Some(unsafe { NonNull::new_unchecked(note.resumer.get()) })
            } else {
                None
            }
        })
    }
}

/// Without the standard library there are no thread-locals: nobody is noted.
#[cfg(not(feature = "std"))]
mod note {
    use super::*;

    #[inline(always)]
    pub(crate) fn arrive(_: *const (), _: NonNull<u8>) {}

    #[inline(always)]
    pub(crate) fn resumer_of(_: *const ()) -> Option<NonNull<u8>> {
        None
    }
}

/// Notes that the coroutine with this handle has been continued by `from`.
#[inline(always)]
pub(crate) fn arrive<T>(handle: *const T, from: ExecutionContext) {
    note::arrive(handle.cast(), from.into_raw());
}

/// The resumer of the running coroutine with this handle, if it is noted.
///
/// # Safety
/// The coroutine is running on this thread, and its resumer is not continued
/// by another token as well.
#[inline(always)]
pub(crate) unsafe fn resumer_of<T>(handle: *const T) -> Option<ExecutionContext> {
    // SAFETY: from a token given to `arrive`; used once (the caller's promise).
    note::resumer_of(handle.cast()).map(|raw| unsafe { ExecutionContext::from_raw(raw) })
}
