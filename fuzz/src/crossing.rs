//! What goes from one side of a switch to the other, and what must arrive there.

use crate::expected::{assert_expected, ensure};
use coro::{CoroutineState, ResumeError};
use std::any::Any;
use std::cell::Cell;

/// The payload of a panic.
type Payload = Box<dyn Any + Send>;

/// What a program sends: one value at a time, each of them another.
#[derive(Default)]
pub(crate) struct Crossing {
    tags: Cell<u32>,
    sent: Cell<u32>,
}

impl Crossing {
    /// A number that nothing else of the program has.
    pub(crate) fn tag(&self) -> u32 {
        self.tags.set(self.tags.get().wrapping_add(1));
        self.tags.get()
    }

    /// A value to send to the other side, or the number of a panic.
    pub(crate) fn send(&self) -> u32 {
        self.sent.set(self.tag());
        self.sent.get()
    }

    /// Fails unless that is what the other side has sent.
    pub(crate) fn arrived(&self, found: u32, what: &str) {
        let sent = self.sent.get();
        ensure!(found == sent, "{what}: {found} has arrived, not {sent}");
    }

    /// Fails unless that is the panic which the other side has raised.
    pub(crate) fn panicked(&self, payload: &(dyn Any + Send)) {
        assert_expected(payload, self.sent.get());
    }

    /// Fails unless a resume may have ended like this, of a coroutine that was `complete` before it, and is now if it has
    /// `ended`. Returns the coroutine's panic.
    pub(crate) fn resumed(
        &self,
        result: Result<Result<CoroutineState<u32, u32>, ResumeError<u32>>, Payload>,
        complete: bool,
        ended: bool,
    ) -> Option<Payload> {
        match result {
            Ok(Ok(CoroutineState::Yielded(value))) => {
                self.arrived(value, "yielded");
                ensure!(!ended && !complete, "yielded by a complete coroutine");
            }
            Ok(Ok(CoroutineState::Complete(value))) => {
                self.arrived(value, "returned");
                ensure!(ended && !complete, "returned twice");
            }
            Ok(Err(error)) => {
                ensure!(complete && ended, "a resume was refused");
                self.arrived(error.into_input(), "refused");
            }
            Err(payload) => {
                ensure!(ended && !complete, "not complete after a panic");
                self.panicked(&*payload);
                return Some(payload);
            }
        }
        None
    }
}
