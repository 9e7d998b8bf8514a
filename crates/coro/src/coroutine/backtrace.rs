//! Where a suspended coroutine stands.
//!
//! Unwinders pass from a stack to that of its resumer by the parent link at its
//! root. So a fresh execution whose link leads to the suspended coroutine, as if
//! that had resumed it, sees the coroutine's frames as its callers: nothing of the
//! coroutine runs, and nothing is written to its stack but the link at its own
//! root, where the walk has to end. That link is stale while the coroutine is
//! suspended; the next resume stores it anew.

use super::Coroutine;
use crate::{Status, unwind};
use core::cell::Cell;
use core::ptr::NonNull;
use std::backtrace::Backtrace;
use sure_context::{
    Arrival, Departure, ExecutionContext, ParentLink, Signal, Trampoline, Word, prepare_within,
};
use sure_stack::{PooledStack, Stack};

impl<Input, Yield, Return, S: Stack> Coroutine<Input, Yield, Return, S> {
    /// A backtrace of the place at which the coroutine is suspended: from its
    /// suspend outwards, to the closure that it began with.
    ///
    /// The first few frames are those of the capture itself, as in any backtrace.
    /// The coroutine does not run, and its stack need not have room. Names are
    /// looked up when the backtrace is printed; taking it costs a stack from the
    /// pool and a walk, a few microseconds and more with each frame.
    ///
    /// ```
    /// use coro::{Coroutine, SuspendHandle};
    ///
    /// #[inline(never)]
    /// fn wait_for_answer(handle: &SuspendHandle<u32, ()>) -> u32 {
    ///     handle.suspend(())
    /// }
    ///
    /// let mut asking = Coroutine::new(|handle, _| wait_for_answer(handle) + 1);
    /// assert!(asking.backtrace().is_none(), "it has not begun");
    /// asking.resume(0);
    /// # if cfg!(not(any(sure_context_portable, windows))) {
    /// let stuck = asking.backtrace().expect("it is suspended").to_string();
    /// assert!(stuck.contains("wait_for_answer"));
    /// # }
    /// ```
    ///
    /// `None` unless the coroutine is [suspended](crate::Status::Suspended), if there is no
    /// stack to be had for the walk, and where each coroutine is a thread of the
    /// system (the portable backend of `sure-context`), because walks end at a
    /// thread's first frame.
    pub fn backtrace(&self) -> Option<Backtrace> {
        let suspended = self.context.as_ref()?;
        if self.status() != Status::Suspended {
            return None;
        }
        // The walk would go on from here to a resumer that has long returned.
        self.handle().resumer.has_gone_on();
        called_by(suspended, Backtrace::force_capture)
    }
}

/// Calls `f` as if a suspended coroutine had called it, on a stack from the pool; what it returns.
/// `None` where that is not possible, or if `f` panics.
///
/// The link at the coroutine's root leads nowhere: a walk ends there.
pub(crate) fn called_by<T>(suspended: &ExecutionContext, f: fn() -> T) -> Option<T> {
    if cfg!(any(sure_context_portable, windows)) {
        return None;
    }
    Walk::from(suspended, f).on(&PooledStack::new().ok()?)
}

/// A walk that begins as if `suspended` had called for it.
#[repr(C)]
struct Walk<'a, T> {
    link: ParentLink,
    suspended: &'a ExecutionContext,
    walk: fn() -> T,
    trace: Cell<Option<T>>,
}

impl<'a, T> Walk<'a, T> {
    fn from(suspended: &'a ExecutionContext, walk: fn() -> T) -> Walk<'a, T> {
        Walk {
            link: ParentLink::new(),
            suspended,
            walk,
            trace: Cell::new(None),
        }
    }

    fn on(self, stack: &PooledStack) -> Option<T> {
        let walk = NonNull::from(&self);
        // SAFETY: (1) the stack is the caller's, fresh from the pool, kept until the
        // execution has ended below, and larger than a first frame and a walk;
        // (2) `self` stays in this frame until then.
        let context = unsafe { prepare_within(stack.limit(), stack.base(), walk) };
        // SAFETY: (1) the context is fresh and of this thread; (2) the link is that
        // of the trampoline just given to it; (3) no word is read; (4) `run`
        // continues this execution once, while this call waits.
        let arrival = unsafe { context.resume(walk.cast(), Word::EMPTY, Signal::Run) };
        debug_assert!(arrival.from.is_none(), "the walk has ended");
        self.trace.into_inner()
    }
}

// SAFETY: `#[repr(C)]`, and a `ParentLink` comes first.
unsafe impl<T> Trampoline for Walk<'_, T> {
    unsafe fn run(this: NonNull<Self>, arrival: Arrival) -> Departure {
        // SAFETY: `on` keeps the walk in its frame; all that changes is in cells.
        let walk = unsafe { this.as_ref() };
        walk.link.lead_to(walk.suspended);
        // A capture that panics has no trace; the panic must not leave the root.
        walk.trace.set(unwind::catch(walk.walk).ok());
        Departure {
            to: arrival.from.expect("a resume suspends its caller"),
            word: Word::EMPTY,
            signal: Signal::Run,
        }
    }
}
