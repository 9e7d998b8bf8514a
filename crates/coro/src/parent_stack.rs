use crate::SuspendHandle;
use crate::handle::Stage;
use crate::on_stack::call_below;
use core::ptr::NonNull;
use sure_context::ExecutionContext;

impl<Input, Yield> SuspendHandle<Input, Yield> {
    /// Calls a closure on the stack of the resumer, below its frames, and returns what it
    /// returns: for a call that wants more stack than a small coroutine has.
    ///
    /// ```
    /// use coro::{Coroutine, MIN_STACK_SIZE, SuspendHandle};
    ///
    /// /// Wants some hundred KiB.
    /// fn large(seed: u8) -> usize {
    ///     let buffer = std::hint::black_box([seed; 200 << 10]);
    ///     buffer.iter().map(|&byte| usize::from(byte)).sum()
    /// }
    ///
    /// let builder = Coroutine::builder().stack_size(MIN_STACK_SIZE);
    /// let mut small = builder.build(|handle: &SuspendHandle<u8, usize>, mut seed| {
    ///     loop {
    ///         let sum = handle.on_parent_stack(|| large(seed));
    ///         seed = handle.suspend(sum);
    ///     }
    /// })?;
    /// # let _: &Coroutine<u8, usize, ()> = &small;
    /// assert_eq!(small.resume(1).yielded(), Some(200 << 10));
    /// assert_eq!(small.resume(2).yielded(), Some(400 << 10));
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// The resumer waits meanwhile, as it does while the coroutine runs. There is as much stack as
    /// the resumer has left. It is a call like any other: the closure may borrow, panics pass
    /// through, and a backtrace shows the coroutine below the closure, and the resumer below that.
    ///
    /// The closure cannot suspend this coroutine, whose handle works on its own stack only. If
    /// the resumer is itself a coroutine, the closure may suspend *that*, by its handle: it
    /// runs on that one's stack. Both wait then, until the outer one is resumed.
    ///
    /// While the coroutine is being dropped, in a destructor, the closure is called where it is.
    ///
    /// # Panics
    /// - With the closure's own panic. Without the feature `std`, that aborts.
    /// - If it is called anywhere but on the stack of its own running coroutine.
    #[track_caller]
    pub fn on_parent_stack<F, R>(&self, f: F) -> R
    where
        F: FnOnce() -> R,
    {
        if !self.may_suspend() {
            assert!(
                matches!(self.stage.get(), Stage::Unwinding { .. }),
                "{self} was asked for its resumer's stack by code that does not run on its own"
            );
            return here(f);
        }
        // SAFETY: the caller runs on this coroutine's stack, so it runs. The token is only
        // looked at: the resumer is not continued.
        let resumer = unsafe { self.resumer.take() };
        // SAFETY: the resumer is suspended in its resume of this coroutine, on a stack of
        // this thread.
        let end = unsafe { resumer.stack_pointer() };
        let _ = resumer.into_raw();
        match NonNull::new(end.wrapping_sub(ExecutionContext::BYTES_BELOW)) {
            // SAFETY: nothing below a suspended execution is in use, but for those bytes. It stays
            // suspended until the call has returned: only this coroutine continues it, and that waits
            // for the call. There is room as there is for any call that the resumer could make, and
            // below that its guard.
            Some(base) if !end.is_null() => unsafe { call_below(base, None, f) },
            // It is not known where the resumer's frames are (the portable backend).
            _ => here(f),
        }
    }
}

/// Calls a closure where the caller stands. Not inlined: a large frame of the closure would be part of
/// the caller's, on the stack that is too small for it.
#[cold]
#[inline(never)]
fn here<F, R>(f: F) -> R
where
    F: FnOnce() -> R,
{
    f()
}
