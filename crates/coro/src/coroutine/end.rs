//! The end of a coroutine: what it leaves, and the unwind of one that is
//! dropped before.

use super::Coroutine;
use crate::handle::Stage;
use crate::unwind::{self, Payload};
use core::mem::ManuallyDrop;
use sure_context::{Arrival, ExecutionContext, Signal, Word};
use sure_stack::Stack;

impl<Input, Yield, Return, S: Stack> Coroutine<Input, Yield, Return, S> {
    /// What the execution has left: the word that sends its return value, or its panic.
    ///
    /// # Safety
    /// `arrival` is that of its exit.
    #[inline]
    pub(super) unsafe fn complete(&self, arrival: Arrival) -> Result<Word, Payload> {
        self.handle().stage.set(Stage::Complete);
        match arrival.signal {
            Signal::Run => Ok(arrival.word),
            // SAFETY: the root sends the address of a payload, given away.
            Signal::Unwind => Err(unsafe { arrival.word.as_ptr::<Payload>().read() }),
        }
    }

    /// Runs a suspended coroutine a last time, to run the destructors of
    /// everything on its stack.
    #[cold]
    #[inline(never)]
    fn unwind(&mut self, context: ExecutionContext) {
        let handle = self.handle();
        let created = handle.stage.get() == Stage::Created;
        if !created && !unwind::CAN_UNWIND {
            unwind::cannot_unwind(handle);
        }
        let in_panic = unwind::panicking();
        handle.stage.set(Stage::Unwinding { in_panic });
        handle.extent.set(0);
        // SAFETY: as in `try_resume`; with the signal to unwind no input is received.
        let arrival = unsafe { context.resume(self.handle.cast(), Word::EMPTY, Signal::Unwind) };
        // SAFETY: it exits, because with an extent of 0 no suspend switches.
        let outcome = unsafe { self.complete(arrival) };
        // A value is moved out before the stack goes, and dropped after: its
        // destructor may panic.
        let value: Option<Return> = match outcome {
            // The body has swallowed the unwind and returned.
            // SAFETY: the root sent the `Return` for this.
            Ok(word) if !created => Some(unsafe { word.receive() }),
            _ => None,
        };
        // SAFETY: the coroutine is complete, and `drop` does nothing after this.
        unsafe { self.release() };
        drop(value);
        if let Err(payload) = outcome {
            unwind::go_on_after_drop(payload);
        }
    }

    /// Drops what is not simply complete.
    #[cold]
    #[inline(never)]
    fn drop_slowly(&mut self) {
        match self.context.take() {
            Some(context) => self.unwind(context),
            None if self.handle().stage.get() == Stage::Complete => {
                // SAFETY: it is complete, and this is its end.
                unsafe { self.release() }
            }
            // It runs: thread-locals are destroyed on its own stack, or on that of a coroutine
            // that it has resumed, by a `process::exit` there. (Other safe code cannot drop it:
            // the resume borrows it.) Its frames may be needed until the process ends, so they
            // stay, as those of any coroutine that is leaked.
            None => {}
        }
    }

    /// Drops the root and gives the stack back.
    ///
    /// # Safety
    /// The coroutine is complete, and `self` is not used after this.
    #[inline]
    unsafe fn release(&mut self) {
        // SAFETY: nothing refers to the root or the stack any more, and nobody
        // will drop them again.
        unsafe {
            self.drop_root();
            ManuallyDrop::drop(&mut self.stack);
        }
    }

    /// Takes from the stack what is left on it.
    ///
    /// # Safety
    /// The coroutine is complete, and nothing but the stack is used after this.
    #[inline]
    pub(super) unsafe fn drop_root(&mut self) {
        if self.handle().name.is_some() {
            self.name_stack("");
        }
        // SAFETY: nothing refers to the root any more.
        unsafe { self.handle.drop_in_place() };
    }

    /// Names the stack for the message about its overflow, if there is to be
    /// one; an empty name takes it away.
    #[cold]
    pub(super) fn name_stack(&self, name: &str) {
        #[cfg(feature = "std")]
        if sure_stack::overflow::is_installed() {
            let advice = "ask for more bytes: `Coroutine::builder().stack_size(bytes)`";
            // Without memory for the name the message does without it.
            sure_stack::overflow::label(&*self.stack, name, advice);
        }
        #[cfg(not(feature = "std"))]
        let _ = name;
    }
}

impl<Input, Yield, Return, S: Stack> Drop for Coroutine<Input, Yield, Return, S> {
    #[inline]
    fn drop(&mut self) {
        let handle = self.handle();
        if handle.stage.get() == Stage::Complete && handle.name.is_none() {
            // SAFETY: nothing refers to the stack any more, and nobody will drop
            // it again. Without a name, the root has nothing to drop.
            unsafe { ManuallyDrop::drop(&mut self.stack) };
        } else {
            self.drop_slowly();
        }
    }
}
