//! The locks of the process. There is no fork here that they would have to be held across.

use std::sync::{Mutex, PoisonError};

/// A lock of the process.
pub(crate) struct Lock(Mutex<()>);

/// Held while a thread changes an [`Index`](crate::hosted::index::Index).
pub(crate) static INDEX: Lock = Lock(Mutex::new(()));
/// Held while a thread takes stacks from arenas or puts them back. Its holder may
/// take [`INDEX`]; not the other way round.
pub(crate) static ARENAS: Lock = Lock(Mutex::new(()));

/// A number that a forked child would not share with its parent.
pub(crate) fn generation() -> usize {
    0
}

impl Lock {
    /// Calls `f`, which does not take this lock, while no other thread is in such a call.
    pub(crate) fn locked<R>(&self, f: impl FnOnce() -> R) -> R {
        let _unlock = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        f()
    }
}
