//! What the tool must be told of each suspended execution, by its token.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One table for all threads, because a suspended execution may be moved to another one.
pub(super) struct Table<T>(Mutex<BTreeMap<usize, T>>);

impl<T> Table<T> {
    pub(super) const fn new() -> Table<T> {
        Table(Mutex::new(BTreeMap::new()))
    }

    /// Notes a suspended execution. One with the same token was abandoned: its memory is used again.
    pub(super) fn put(&self, token: usize, execution: T) {
        self.locked().insert(token, execution);
    }

    /// Takes the execution out that is about to be continued.
    ///
    /// # Panics
    /// If there is none, which aborts the process.
    pub(super) fn take(&self, token: usize) -> T {
        self.remove(token).expect(
            "an execution is continued whose frames were copied: that cannot be watched by a sanitizer",
        )
    }

    /// Takes an execution out, if it is there.
    pub(super) fn remove(&self, token: usize) -> Option<T> {
        self.locked().remove(&token)
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<usize, T>> {
        // Nothing panics under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
