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
#[derive(Clone)]
pub struct RunStack {
    pub(crate) region: Rc<Region>,
}

impl RunStack {
    /// A run stack of at least `bytes` bytes, rounded up to whole pages, with a
    /// guard below. Pages take memory once they are touched.
    ///
    /// # Errors
    /// Any of [`GuardedMmapStack::allocate_at_least`](sure_stack::GuardedMmapStack::allocate_at_least),
    /// and [`StackError::TooSmall`] for less than 32 KiB.
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
