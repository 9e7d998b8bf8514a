//! Memory of a suspended coroutine's stack, given back to the system.

use super::Coroutine;
use crate::Status;
use sure_context::ExecutionContext;
use sure_stack::{Stack, release_below_if};

impl<Input, Yield, Return, S: Stack> Coroutine<Input, Yield, Return, S> {
    /// Gives the memory below the frames of a suspended coroutine back to the system, and returns
    /// how many bytes that was: a multiple of the page size.
    ///
    /// A stack keeps the pages that code has touched, for the next call that needs them. After a
    /// single deep call, in a coroutine that then waits for long, they can be most of its memory.
    /// This gives back the whole pages between the stack's limit and the suspended frames; no byte
    /// that is in use is touched. The coroutine has as much stack as before: the next deep call takes
    /// the pages from the system again, at the price of a page fault for each.
    ///
    /// ```
    /// use coro::{Coroutine, SuspendHandle};
    ///
    /// #[inline(never)]
    /// fn deep_call() -> u8 {
    ///     let buffer = std::hint::black_box([7; 100 << 10]);
    ///     buffer[4]
    /// }
    ///
    /// let mut waiting = Coroutine::new(|handle: &SuspendHandle<(), u8>, ()| {
    ///     handle.suspend(deep_call());
    /// });
    /// waiting.resume(());
    /// # if cfg!(not(any(sure_context_portable, windows))) {
    /// let bytes = waiting.release_unused();
    /// // Unless an emulator keeps it all.
    /// assert!(bytes > 64 << 10 || bytes == 0);
    /// # }
    /// ```
    ///
    /// It returns 0, and does nothing,
    /// - if the coroutine is not [suspended](Status::Suspended), or is so on a stack by which it has
    ///   [grown](crate::maybe_grow);
    /// - if nothing there takes memory, and if the system keeps it: locked memory, say;
    /// - where each coroutine is a thread of the system (the portable backend of `sure-context`).
    ///
    /// It takes one system call for 128 pages between the limit and the frames (a stack of the usual
    /// size has 64 pages of 4 KiB), and one more, with time for each page, if any takes memory.
    /// [`high_water_mark`](Coroutine::high_water_mark) counts from then on.
    ///
    /// [`Builder::release_idle`](crate::Builder::release_idle) has it done whenever there is much.
    pub fn release_unused(&self) -> usize {
        match &self.context {
            Some(context) if self.status() == Status::Suspended => {
                // SAFETY: (1) it is the coroutine's own, in `self`; (2, 3) it is suspended with this
                // token until it is resumed, which takes `&mut self`.
                unsafe { release_if_more_than(&*self.stack, context, 0) }
            }
            _ => 0,
        }
    }
}

/// Gives back what is below the frames of a coroutine, if that is more than so many bytes.
///
/// # Safety
/// 1. The stack is the coroutine's, and alive.
/// 2. The coroutine is suspended with this token, on its own thread.
/// 3. It is not resumed meanwhile.
pub(super) unsafe fn release_if_more_than<S: Stack>(
    stack: &S,
    context: &ExecutionContext,
    bytes: usize,
) -> usize {
    // SAFETY: (1) the stacks on which the coroutine is suspended are alive: its own (1), and others
    // are kept by frames on it; (2) the frames stay in place until it is resumed (3).
    let end = unsafe { context.stack_pointer() };
    let low_edge = end.wrapping_sub(ExecutionContext::BYTES_BELOW);
    // On a stack by which it has grown, nothing tells where the frames of its own end: the
    // address is not on that, and nothing is given back. (Nor is null, the portable backend's.)
    // SAFETY: (1) a suspended execution uses nothing below these bytes; (2) it stays suspended
    // meanwhile (3), and only it runs on this stack.
    unsafe { release_below_if(stack, low_edge, bytes) }
}
