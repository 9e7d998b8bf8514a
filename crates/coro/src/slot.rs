//! Where a closure waits to be called on another stack, and what it leaves there.

use crate::unwind::{self, Payload};
use core::mem::ManuallyDrop;
use sure_context::Signal;

/// First the closure; when that has been moved out to be called, what it leaves.
pub(crate) union Slot<F, R> {
    pub(crate) closure: ManuallyDrop<F>,
    pub(crate) value: ManuallyDrop<R>,
    pub(crate) payload: ManuallyDrop<Payload>,
}

impl<F, R> Slot<F, R> {
    pub(crate) fn holding(closure: F) -> Self {
        let closure = ManuallyDrop::new(closure);
        Slot { closure }
    }

    /// Moves the closure out for `call`, and leaves what that returns, or the payload of a panic;
    /// the signal says which.
    ///
    /// The value goes to the slot directly: a large one is not on this stack more often than the
    /// closure has put it there.
    ///
    /// # Safety
    /// 1. `slot` holds the closure, and is valid for reads and writes.
    /// 2. Nothing else uses it until this has returned.
    #[inline(always)]
    pub(crate) unsafe fn run(slot: *mut Self, call: impl FnOnce(F) -> R) -> Signal {
        // SAFETY: it holds the closure (1), and this is the only read.
        let closure = ManuallyDrop::into_inner(unsafe { (&raw const (*slot).closure).read() });
        let outcome = unwind::catch(move || {
            let value = ManuallyDrop::new(call(closure));
            // SAFETY: the closure has been moved out, and the slot may be written (1, 2).
            unsafe { (*slot).value = value };
        });
        match outcome {
            Ok(()) => Signal::Run,
            Err(payload) => {
                // SAFETY: the closure has been moved out, no value has been left, and the slot
                // may be written (1, 2).
                unsafe { (*slot).payload = ManuallyDrop::new(payload) };
                Signal::Unwind
            }
        }
    }

    /// # Safety
    /// [`run`](Slot::run) has returned [`Signal::Run`], and the value was not taken.
    #[inline(always)]
    pub(crate) unsafe fn into_value(self) -> R {
        // SAFETY: the slot holds a value (the caller's promise).
        ManuallyDrop::into_inner(unsafe { self.value })
    }

    /// # Safety
    /// [`run`](Slot::run) has returned [`Signal::Unwind`], and the payload was not taken.
    pub(crate) unsafe fn into_payload(self) -> Payload {
        // SAFETY: the slot holds a payload (the caller's promise).
        ManuallyDrop::into_inner(unsafe { self.payload })
    }
}
