//! A fault in a coroutine that the host turns into a value.
//!
//! A signal handler need not return to what it interrupted. This one leaves for the resumer, as the
//! coroutine's own end does, and the frames on its stack are forgotten. Nothing about it depends on
//! the processor or on the layout of a signal frame.

use super::{Coroutine, SuspendHandle};
use crate::handle::Stage;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use sure_context::{Signal, Word};
use sure_stack::{GUARD_SIZE, Stack};

/// The end of a coroutine by a fault; see [`Coroutine::trap_handler`].
pub struct TrapHandler<Input, Yield, Return> {
    handle: NonNull<SuspendHandle<Input, Yield>>,
    limit: NonNull<u8>,
    value: core::marker::PhantomData<fn(Return)>,
}

impl<Input, Yield, Return, S: Stack> Coroutine<Input, Yield, Return, S> {
    /// What a signal handler needs to end this coroutine after a fault, with a value instead of
    /// the process: for a host that runs code which it does not trust to stay within its stack.
    ///
    /// The host takes it before it resumes the coroutine, and keeps it where its handler of SIGSEGV
    /// (which runs on an alternate stack) finds it, in a thread-local say. If the stack pointer of
    /// the interrupted code is [on the coroutine's stack](TrapHandler::holds), the handler may
    /// [end](TrapHandler::end) the coroutine: its `resume` returns
    /// [`Complete`](crate::CoroutineState::Complete) with the value. The example `trap` is a whole
    /// such host.
    pub fn trap_handler(&self) -> TrapHandler<Input, Yield, Return> {
        TrapHandler {
            handle: self.handle,
            limit: self.stack.limit(),
            value: core::marker::PhantomData,
        }
    }
}

impl<Input, Yield, Return> TrapHandler<Input, Yield, Return> {
    /// Whether a stack pointer is on the coroutine's stack, or in the guard below, where that of an
    /// overflow can be.
    ///
    /// It looks at addresses only, and may be called from a signal handler, at any time. Code on
    /// a stack by which the coroutine has [grown](crate::maybe_grow), and in an inner coroutine,
    /// is not on this stack.
    pub fn holds(&self, stack_pointer: *const u8) -> bool {
        // The guard is rounded up to pages, which have 4 KiB at least.
        let guard = GUARD_SIZE.max(4 << 10);
        let lowest = self.limit.addr().get().saturating_sub(guard);
        (lowest..=self.handle.addr().get()).contains(&stack_pointer.addr())
    }

    /// Ends the coroutine, which returns `value`, and does not return. The frames on its stack are
    /// forgotten, as by [`abandon`](Coroutine::abandon), and the signal handler's with them. The
    /// coroutine is complete then; its stack can be used again.
    ///
    /// # Safety
    /// 1. It is called from a signal handler on an alternate stack (sigaltstack(2)), for a signal
    ///    that an instruction has raised on this thread.
    /// 2. The interrupted code runs on the stack of this coroutine: the stack pointer in the
    ///    handler's third argument is one that this [`holds`](TrapHandler::holds), and the
    ///    coroutine still exists.
    /// 3. What was interrupted is code that may be forgotten in the middle: it holds no lock, has
    ///    lent nothing of its stack to others, and nothing depends on its destructors. A fault
    ///    inside of `malloc` is not such code; a guest's own is.
    /// 4. The thread is not unwinding on that stack, and no frame of a thread-local's destructor is
    ///    there.
    /// 5. The caller has given the thread the signal mask that the interrupted code had: it has
    ///    unblocked the signal itself, and what the action's `sa_mask` has added (pthread_sigmask(3)).
    ///    Returning from the handler would have done so, and this does not return. Else the next
    ///    fault kills the process.
    /// 6. The handler's own frames have nothing left to drop.
    pub unsafe fn end(self, value: Return) -> ! {
        // SAFETY: the coroutine exists (2), so its root stands; what changes in it is in cells.
        let handle = unsafe { self.handle.as_ref() };
        debug_assert!(!matches!(handle.stage.get(), Stage::Complete), "it runs");
        // The resumer moves the value out after this stack has been left, so it must not be in a
        // frame here: another signal may come first. The coroutine's own stack is free.
        let place = self.limit.as_ptr();
        let place = place.wrapping_add(place.align_offset(align_of::<Return>()));
        let place = place.cast::<ManuallyDrop<Return>>();
        // Frames of the interrupted code may have their places for these where the value goes.
        sure_context::flush_windows();
        // SAFETY: the frames on the stack are forgotten (3), and nothing runs there until the resumer
        // has moved the value out. The stack was refused unless a `Return` takes less than half of it,
        // padding included. The resumer is the one of the present resume, because the coroutine runs
        // (2); it waits for this arrival, on this thread (1), and receives a `Return` with the signal
        // to run. The frames left behind have nothing to drop (3, 6).
        unsafe {
            place.write(ManuallyDrop::new(value));
            let word = Word::send_from(place.cast::<Return>());
            handle.resumer.take().exit_to(word, Signal::Run)
        }
    }
}

impl<Input, Yield, Return> Clone for TrapHandler<Input, Yield, Return> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Input, Yield, Return> Copy for TrapHandler<Input, Yield, Return> {}

impl<Input, Yield, Return> fmt::Debug for TrapHandler<Input, Yield, Return> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrapHandler")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
