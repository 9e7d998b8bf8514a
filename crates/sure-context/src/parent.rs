use crate::ExecutionContext;
use crate::arch;
use core::cell::Cell;
use core::num::NonZeroUsize;

/// Where a stack's present resumer is written down: the frame record at the
/// root of a fresh stack.
///
/// Two words, like any frame record: the address of the resumer's frame record
/// (which is what an [`ExecutionContext`] is) and a return address inside the
/// root function. A walk along frame pointers passes through it from the
/// coroutine into the resumer; unwind tables name it as the place where the
/// resumer's registers are found.
///
/// It is the first field of every [`Trampoline`](crate::Trampoline).
#[derive(Debug)]
#[repr(C)]
pub struct ParentLink {
    resumer: Cell<usize>,
    return_address: *const u8,
}

impl ParentLink {
    /// A link that leads nowhere yet.
    pub fn new() -> ParentLink {
        ParentLink {
            resumer: Cell::new(0),
            return_address: arch::root_address(),
        }
    }

    /// The resumer that the last [`resume`](ExecutionContext::resume) noted
    /// here, as a token that can be continued.
    ///
    /// # Safety
    /// Somebody was resumed with this link, is running now, and neither the
    /// token that arrived with that resume nor another one from here is used.
    #[inline(always)]
    pub unsafe fn resumer(&self) -> ExecutionContext {
        // SAFETY: a resume has stored the address of its saved registers.
        ExecutionContext::from_saved(unsafe { NonZeroUsize::new_unchecked(self.resumer.get()) })
    }
}

impl Default for ParentLink {
    fn default() -> ParentLink {
        ParentLink::new()
    }
}
