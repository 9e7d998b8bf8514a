//! The calls of which programs consist: how they end, and how many stacks they stand on.

use crate::crossing::Crossing;
use coro::is_forced_unwind;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// How a call ends, other than by a panic.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Its caller goes on.
    Leave,
    /// So do all callers, up to the one that has begun the coroutine.
    Finish,
}

/// A call that catches the program's own panics, and lets a forced unwind go on.
pub(crate) fn caught(crossing: &Crossing, call: impl FnOnce() -> Exit) -> Exit {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(exit) => exit,
        Err(payload) if is_forced_unwind(&*payload) => resume_unwind(payload),
        Err(payload) => {
            crossing.panicked(&*payload);
            Exit::Leave
        }
    }
}

/// How many stacks have calls that wait for one on another stack.
#[derive(Default)]
pub(crate) struct Stacks(Cell<usize>);

impl Stacks {
    pub(crate) fn count(&self) -> usize {
        self.0.get()
    }

    /// One more, unless there are as many.
    pub(crate) fn upon(&self, most: usize) -> Option<Upon<'_>> {
        let count = self.count();
        (count < most).then(|| {
            self.0.set(count + 1);
            Upon(self)
        })
    }
}

/// One more stack upon the others, until it is dropped.
pub(crate) struct Upon<'a>(&'a Stacks);

impl Drop for Upon<'_> {
    fn drop(&mut self) {
        self.0.0.set(self.0.count() - 1);
    }
}
