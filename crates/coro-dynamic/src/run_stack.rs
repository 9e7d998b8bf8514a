use crate::region::Region;
use std::fmt;
use std::rc::Rc;
use sure_stack::StackError;

/// One dedicated stack that many dynamic coroutines take turns on.
///
/// Instead of the thread's own stack. Every coroutine begins at its high end,
/// so no resumer's frames are ever in the way, a coroutine can be resumed from
/// any stack of the thread, and one that is resumed twice in a row is not
/// copied at all: its frames are taken away only when another one wants the place.
///
/// Cloning gives another reference to the same stack. It lives as long as one
/// of them, or a coroutine on it, does.
///
/// ```
/// use coro_dynamic::{DynamicCoroutine, RunStack};
///
/// let stack = RunStack::new(256 << 10)?;
/// let count = |handle: &coro_dynamic::DynamicHandle<(), u32>, ()| {
///     (0..3).for_each(|n| handle.suspend(n));
/// };
/// // SAFETY: (1-4) no address of a local leaves them or comes in; (5) they have no destructors.
/// let all = (0..10).map(|_| unsafe { DynamicCoroutine::on_run_stack(&stack, count) });
/// let mut all: Vec<_> = all.collect();
/// let mut sum = 0;
/// for _ in 0..3 {
///     sum += all.iter_mut().filter_map(|each| each.resume(()).yielded()).sum::<u32>();
/// }
/// assert_eq!(sum, 10 * (0 + 1 + 2));
/// # Ok::<(), sure_stack::StackError>(())
/// ```
#[derive(Clone)]
pub struct RunStack {
    pub(crate) region: Rc<Region>,
}

impl RunStack {
    /// A run stack of at least `bytes` bytes, rounded up to whole pages, with a
    /// guard below. Pages take memory once they are touched.
    ///
    /// ```
    /// use coro_dynamic::RunStack;
    /// use sure_stack::StackError;
    ///
    /// let stack = RunStack::new(100_000)?;
    /// assert!(stack.size() >= 100_000);
    /// assert!(matches!(RunStack::new(1000), Err(StackError::TooSmall { .. })));
    /// # Ok::<(), StackError>(())
    /// ```
    ///
    /// # Errors
    /// `StackError::TooSmall` for less than 32 KiB; the others if the system refuses a stack.
    pub fn new(bytes: usize) -> Result<RunStack, StackError> {
        const MINIMUM: usize = 32 << 10;
        if bytes < MINIMUM {
            return Err(StackError::TooSmall {
                bytes,
                minimum: MINIMUM,
            });
        }
        let region = Region::of_run_stack(bytes)?;
        Ok(RunStack { region })
    }

    /// Usable bytes.
    pub fn size(&self) -> usize {
        self.region.top - self.region.limit
    }
}

impl fmt::Debug for RunStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunStack")
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}
