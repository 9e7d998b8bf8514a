//! The end of a coroutine: what it leaves, and the unwind of one that ends before its closure.

use super::Coroutine;
#[cfg(feature = "std")]
use super::release::release_if_more_than;
use crate::SuspendHandle;
use crate::handle::Stage;
#[cfg(feature = "std")]
use crate::track;
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

    /// What is behind an arrival without a token and with the signal to unwind: the suspend of a
    /// tracked coroutine, whose token is in its record; or the panic that has ended it, which goes on.
    ///
    /// It is given the handle, not the coroutine, which need not be in memory for it.
    ///
    /// # Safety
    /// The arrival is in a resume of the coroutine that has this handle.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn left_unusually(
        handle: &SuspendHandle<Input, Yield>,
        arrival: Arrival,
    ) -> (ExecutionContext, Yield) {
        #[cfg(feature = "std")]
        if let Some(record) = handle.extras.record()
            && let Some(token) = record.context()
        {
            // SAFETY: the coroutine has given it away with this suspend; what stays in the
            // record is a number.
            let context = unsafe { ExecutionContext::from_raw(token) };
            // SAFETY: the suspend has sent a `Yield` for this.
            let value = unsafe { arrival.word.receive() };
            if let Some(bytes) = handle.extras.most_idle() {
                // SAFETY: (1) the record has the coroutine's stack; (2, 3) it is suspended with this
                // token, in whose resume this is.
                unsafe { release_if_more_than(&track::stack_of(record), &context, bytes) };
            }
            track::checkpoint();
            return (context, value);
        }
        handle.stage.set(Stage::Complete);
        // SAFETY: it is suspended by its record only, so this is its exit, and the root sends the
        // address of a payload, given away.
        unwind::go_on(unsafe { arrival.word.as_ptr::<Payload>().read() })
    }

    /// Unwinds the coroutine now, as a drop does, but keeps it and its stack: it is complete
    /// afterwards. One that was never resumed drops its closure; for a complete one there is
    /// nothing to do.
    ///
    /// ```
    /// use coro::Coroutine;
    /// use sure_stack::GuardedMmapStack;
    /// use std::rc::Rc;
    ///
    /// let counted = Rc::new(());
    /// let local = counted.clone();
    /// let stack = GuardedMmapStack::allocate_at_least(64 << 10)?;
    /// let mut coroutine = Coroutine::with_stack(stack, |handle, ()| {
    ///     let _local = local;
    ///     handle.suspend(());
    /// });
    /// coroutine.resume(());
    /// coroutine.unwind();
    /// assert_eq!(Rc::strong_count(&counted), 1);
    /// let stack = coroutine.into_stack().expect("it is complete");
    /// # drop(stack);
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Panics
    /// With a panic that leaves the coroutine instead of the unwind, unless the thread is
    /// panicking already. It is complete then, too.
    ///
    /// # Aborts
    /// As a drop does: see [the guide](crate::guide::panics).
    pub fn unwind(&mut self) {
        if let Some(context) = self.context.take() {
            // SAFETY: it was suspended, or never resumed.
            unsafe { self.force(context) };
        }
    }

    /// Forgets the frames of the coroutine, with everything in them, and gives its stack back.
    ///
    /// For a program that knows that nothing in the frames matters any more: a model checker
    /// that has found its bug, an emulator that is reset. No destructor runs, which is what
    /// [`unwind`](Coroutine::unwind) is for.
    ///
    /// ```
    /// use coro::Coroutine;
    ///
    /// let mut coroutine = Coroutine::new(|handle, ()| {
    ///     let forgotten = 5;
    ///     handle.suspend(&raw const forgotten);
    /// });
    /// coroutine.resume(());
    /// // SAFETY: the frames hold nothing but a number, which nothing refers to.
    /// let stack = unsafe { coroutine.abandon() };
    /// let again = Coroutine::with_stack(stack, |handle, ()| handle.suspend(1));
    /// # drop(again);
    /// ```
    ///
    /// # Safety
    /// The stack will be used for something else, or unmapped, as if nothing were on it.
    /// 1. The coroutine is not running.
    /// 2. Nothing refers to its frames: no other thread or coroutine, no list that runs through
    ///    them, no kernel that still writes to a buffer there.
    /// 3. Nothing depends on a destructor in them to run before its value's memory is reused:
    ///    a pinned value, say, or a guard of a scoped thread.
    #[must_use = "the stack can be used again"]
    pub unsafe fn abandon(self) -> S {
        let mut this = ManuallyDrop::new(self);
        if let Some(context) = this.context.take() {
            // SAFETY: the coroutine has no other token of its frames, or of the closure.
            unsafe { context.abandon() };
        }
        // SAFETY: nothing runs on the stack (1), and nothing refers to what is on it (2, 3);
        // `this` is never used again, nor dropped.
        unsafe { this.take_stack() }
    }

    /// Runs a coroutine a last time, to run the destructors of everything on its stack.
    ///
    /// # Safety
    /// `context` is the coroutine's, which is suspended or was never resumed.
    #[cold]
    #[inline(never)]
    unsafe fn force(&self, context: ExecutionContext) {
        let handle = self.handle();
        let created = handle.stage.get() == Stage::Created;
        if !created && !unwind::CAN_UNWIND {
            unwind::cannot_unwind(handle);
        }
        let in_panic = unwind::panicking();
        handle.stage.set(Stage::Unwinding { in_panic });
        handle.extent.set(0);
        // SAFETY: the coroutine is suspended or fresh, its stack is owned by `self`, and both are
        // of this thread; the handle begins with the link of that stack; with the signal to
        // unwind no input is received, and this execution is continued once, while this waits.
        let arrival = unsafe { context.resume(self.handle.cast(), Word::EMPTY, Signal::Unwind) };
        // SAFETY: it exits, because with an extent of 0 no suspend switches.
        match unsafe { self.complete(arrival) } {
            // The body has swallowed the unwind and returned.
            // SAFETY: the root sent the `Return` for this.
            Ok(word) if !created => drop::<Return>(unsafe { word.receive() }),
            Ok(_) => {}
            Err(payload) => unwind::go_on_after_drop(payload),
        }
    }

    /// Drops what is not simply complete.
    #[cold]
    #[inline(never)]
    fn drop_slowly(&mut self) {
        if self.context.is_none() && self.handle().stage.get() != Stage::Complete {
            // It runs: thread-locals are destroyed on its own stack, or on that of a coroutine
            // that it has resumed, by a `process::exit` there. (Other safe code cannot drop it:
            // the resume borrows it.) Its frames may be needed until the process ends, so they
            // stay, as those of any coroutine that is leaked.
            return;
        }
        // The stack goes also if a destructor panics, or the return value's, which comes last.
        let coroutine = Releases(self);
        coroutine.0.unwind();
    }

    /// Drops the root and gives the stack back.
    ///
    /// # Safety
    /// The coroutine is complete, and `self` is not used after this.
    #[inline]
    unsafe fn release(&mut self) {
        // SAFETY: a complete coroutine has no frames that refer to the root or the stack, and
        // `self` is not used after this.
        drop(unsafe { self.take_stack() });
    }

    /// The stack, from which all is taken that is left on it.
    ///
    /// # Safety
    /// Nothing refers to the root or to frames, and `self` is not used after this, nor dropped.
    #[inline]
    pub(super) unsafe fn take_stack(&mut self) -> S {
        if self.name().is_some() || self.handle().is_tracked() {
            self.name_stack("");
        }
        // SAFETY: it is taken here only. Moving a stack does not move its memory; and if a
        // coroutine-local panics below, the stack is dropped all the same.
        let stack = unsafe { ManuallyDrop::take(&mut self.stack) };
        // SAFETY: nothing refers to the root any more, which is dropped here only.
        unsafe { self.handle.drop_in_place() };
        stack
    }

    /// Names the stack for the message about its overflow, if there is to be
    /// one; an empty name takes it away.
    #[cold]
    pub(super) fn name_stack(&self, name: &str) {
        #[cfg(feature = "std")]
        if sure_stack::overflow::is_installed() {
            // Without memory for the name the message does without it.
            sure_stack::overflow::label(&*self.stack, name, STACK_ADVICE);
        }
        #[cfg(not(feature = "std"))]
        let _ = name;
    }
}

/// What the message about an overflow says to do.
#[cfg(feature = "std")]
pub(crate) const STACK_ADVICE: &str =
    "ask for more bytes: `Coroutine::builder().stack_size(bytes)`";

/// Releases a coroutine that has been unwound, however that ended.
struct Releases<'a, Input, Yield, Return, S: Stack>(&'a mut Coroutine<Input, Yield, Return, S>);

impl<Input, Yield, Return, S: Stack> Drop for Releases<'_, Input, Yield, Return, S> {
    fn drop(&mut self) {
        // SAFETY: it is complete; its owner is being dropped, and does nothing after this.
        unsafe { self.0.release() };
    }
}

impl<Input, Yield, Return, S: Stack> Drop for Coroutine<Input, Yield, Return, S> {
    #[inline]
    fn drop(&mut self) {
        let handle = self.handle();
        if handle.stage.get() == Stage::Complete && handle.extras.is_empty() {
            // SAFETY: a complete coroutine has no frames that refer to the stack, which is
            // dropped here only. Without extras, the root has nothing to drop.
            unsafe { ManuallyDrop::drop(&mut self.stack) };
        } else {
            self.drop_slowly();
        }
    }
}
