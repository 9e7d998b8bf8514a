//! The suspend of a tracked coroutine.
//!
//! An ordinary suspend hands the token of its execution to the resumer, which keeps it where only
//! the owner of the coroutine finds it. A tracked one notes it first, in its record. As a token
//! comes into being when its execution is left, the coroutine leaves for a few frames below its own
//! ([`sure_context::descend`]), which are given the token and go on to the resumer. There they
//! arrive without one, as an end does, and with the signal of a panic: what is rare already asks
//! what it is, and nothing else has to.

use super::record::Record;
use crate::SuspendHandle;
use crate::handle::Stage;
use core::cell::Cell;
use core::panic::Location;
use core::ptr::NonNull;
use sure_context::{Arrival, DESCENT, Departure, Descent, ExecutionContext, Signal, Word};
use sure_context::{descend, stack_pointer};

impl<Input, Yield> SuspendHandle<Input, Yield> {
    /// The record of this coroutine, if it is tracked and the caller may suspend it: it runs on
    /// its stack, or on one by which that has grown.
    pub(crate) fn tracked_here(&self) -> Option<&Record> {
        let record = self.extras.record()?;
        if matches!(self.stage.get(), Stage::Unwinding { .. }) {
            return None;
        }
        let here = stack_pointer().addr();
        let ours = record.holds(here) || crate::grow::origins(here).any(|from| record.holds(from));
        ours.then_some(record)
    }

    /// Leaves for the resumer by way of the record, with a word; the arrival of the next resume.
    ///
    /// # Safety
    /// The coroutine is tracked and runs, the caller on its stack or a growth of that; it is not
    /// being dropped. The word sends a `Yield`.
    #[cold]
    #[inline(never)]
    #[track_caller]
    pub(crate) unsafe fn leave_recorded(&self, word: Word) -> Arrival {
        let place = Location::caller();
        let record = self.extras.record().expect("it is tracked");
        record.suspends_at(place);
        // SAFETY: the coroutine runs; the token is used once, below.
        let to = unsafe { self.resumer.take() };
        let arrival = if cfg!(any(sure_context_portable, windows)) {
            // There a descent is a thread of its own, and a token means nothing to debuggers.
            record.is_suspended(None);
            // SAFETY: the resumer is suspended in `Coroutine::resume`; it receives a `Yield`, and
            // keeps the token of this execution in the coroutine, which owns the stack.
            unsafe { to.switch(word, Signal::Run) }
        } else {
            let signal = Signal::Unwind;
            let leaving = Leaving {
                record,
                departure: Cell::new(Some(Departure { to, word, signal })),
            };
            let top = stack_pointer().wrapping_sub(DESCENT);
            // SAFETY: (1) `top` is that far below the stack pointer, on the stack that the
            // coroutine runs on, where it may call functions as here; (2) `leaving` stays in this
            // frame, which is left only when `run` has returned; (3) the owner of the coroutine,
            // who finds the token in the record, continues it once and keeps the stack.
            unsafe { descend(NonNull::new_unchecked(top), NonNull::from(&leaving)) }
        };
        record.runs();
        arrival
    }
}

/// A coroutine that leaves for its resumer.
struct Leaving<'a> {
    record: &'a Record,
    departure: Cell<Option<Departure>>,
}

impl Descent for Leaving<'_> {
    unsafe fn run(this: NonNull<Self>, from: ExecutionContext) -> Departure {
        // SAFETY: `leave_recorded` keeps it in its frame until this has returned.
        let leaving = unsafe { this.as_ref() };
        leaving.record.is_suspended(Some(&from));
        // From here on the number in the record is the token.
        let _ = from.into_raw();
        leaving.departure.take().expect("a descent runs once")
    }
}
