//! The suspend of a tracked coroutine.
//!
//! An ordinary suspend hands the token of its execution to the resumer, which keeps it where only
//! the owner of the coroutine finds it. A tracked one notes it first. As a token comes into being
//! when its execution is left, the coroutine leaves for another execution, a recorder, instead of
//! its resumer. The recorder is given the token, puts it into the record and goes on to the resumer
//! with what the coroutine sends. There it arrives without a token, as an end does, and with the
//! signal of a panic: what is rare already asks what it is, and nothing else has to.
//!
//! A resume is that of any coroutine. It stores the resumer in the link at the coroutine's root, which
//! the recorder has made lead nowhere: by that the record tells that the coroutine runs again.

use super::record::Record;
use crate::SuspendHandle;
use crate::handle::Stage;
use core::cell::Cell;
use core::panic::Location;
use core::ptr::{self, NonNull};
use std::cell::OnceCell;
use sure_context::{
    Arrival, Departure, ExecutionContext, ParentLink, Signal, Trampoline, prepare, stack_pointer,
};
use sure_stack::{PooledStack, Stack};

std::thread_local! {
    /// Where the recorders of this thread run, each from its beginning to its end.
    static STACK: OnceCell<Option<PooledStack>> = const { OnceCell::new() };
}

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

    /// Notes that the coroutine suspends itself where the caller says so. The token of an execution
    /// that leaves for the resumer by way of the record; or the resumer's own, where tokens mean
    /// nothing to others (the portable backend), and if there is no stack for a recorder.
    ///
    /// # Safety
    /// The coroutine runs. It continues the token at once, with a `Yield`, and no other.
    #[track_caller]
    pub(crate) unsafe fn leave_traces(&self, record: &Record) -> ExecutionContext {
        record.suspends_at(Location::caller());
        // SAFETY: the coroutine runs; the token is used once, by the recorder or by the caller.
        let resumer = unsafe { self.resumer.take() };
        let place = STACK.try_with(|stack| {
            let stack = stack.get_or_init(|| PooledStack::new().ok());
            stack.as_ref().map(PooledStack::base)
        });
        match place.ok().flatten() {
            Some(base) if cfg!(not(sure_context_portable)) => {
                let recorder = record.recorder();
                recorder.link.lead_nowhere();
                recorder.record.set(record);
                recorder.resumer.set(Some(resumer));
                // SAFETY: (1) the stack is the thread's for this, and as large as any; the recorder
                // before has ended, because it leaves for good before anything else can run; (2) the
                // recorder is in the record, which lives as long as the coroutine.
                unsafe { prepare(base, NonNull::from(recorder)) }
            }
            _ => {
                record.is_suspended(None);
                self.resumer.has_gone_on();
                resumer
            }
        }
    }
}

/// An execution between a coroutine that suspends itself and its resumer. It is part of the record.
#[repr(C)]
pub(super) struct Recorder {
    /// Walks end here: it runs for a few instructions, and nothing waits for it.
    link: ParentLink,
    record: Cell<*const Record>,
    resumer: Cell<Option<ExecutionContext>>,
}

impl Recorder {
    pub(super) fn new() -> Recorder {
        Recorder {
            link: ParentLink::new(),
            record: Cell::new(ptr::null()),
            resumer: Cell::new(None),
        }
    }
}

// SAFETY: `#[repr(C)]`, and a `ParentLink` comes first.
unsafe impl Trampoline for Recorder {
    unsafe fn run(this: NonNull<Self>, arrival: Arrival) -> Departure {
        // SAFETY: it is part of a record, which lives; all that changes is in cells.
        let recorder = unsafe { this.as_ref() };
        // SAFETY: `leave_traces` has stored a reference to it.
        let record = unsafe { &*recorder.record.get() };
        record.is_suspended(arrival.from.as_ref());
        record.resumer().has_gone_on();
        // From here on the number in the record is the token.
        let _ = arrival.from.map(ExecutionContext::into_raw);
        Departure {
            to: recorder.resumer.take().expect("it was stored for this"),
            word: arrival.word,
            signal: Signal::Unwind,
        }
    }
}
