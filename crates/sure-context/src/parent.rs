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

    /// The return address of this frame record, the same in all: where the entry of a stack would
    /// return to, if it did.
    #[inline(always)]
    pub fn return_address(&self) -> *const u8 {
        self.return_address
    }

    /// The resumer that the last [`resume`](ExecutionContext::resume) noted
    /// here, as a token that can be continued.
    ///
    /// # Safety
    /// 1. The execution that was last resumed with this link is running.
    /// 2. Neither the token that arrived with that resume is used, nor another
    ///    one from here.
    #[inline(always)]
    pub unsafe fn resumer(&self) -> ExecutionContext {
        // SAFETY: a resume has stored the address of its saved registers (1),
        // which is not null.
        ExecutionContext::from_saved(unsafe { NonZeroUsize::new_unchecked(self.resumer.get()) })
    }

    /// Notes a resumer, as [`resume`](ExecutionContext::resume) does: for an
    /// execution that switches on the resumer's behalf.
    #[inline(always)]
    pub fn lead_to(&self, resumer: &ExecutionContext) {
        self.resumer.set(resumer.address().get());
    }

    /// Makes every walk end here: the resumer's frames are not where they were.
    #[inline(always)]
    pub fn lead_nowhere(&self) {
        // The middle, because a context may be an address inside its registers.
        self.resumer
            .set((&raw const NOWHERE.0[MIDDLE]).expose_provenance());
    }
}

/// Saved registers that end a walk: all of them are 0, but for the address to continue at, which
/// may have to be another. It is the second word, as in every frame record, where that matters.
/// Larger than those of any target.
static NOWHERE: Registers = {
    let mut words = [0; 2 * MIDDLE];
    words[MIDDLE + 1] = arch::END_OF_WALK;
    Registers(words)
};

const MIDDLE: usize = 32;

#[repr(align(64))]
struct Registers([usize; 2 * MIDDLE]);

impl Default for ParentLink {
    fn default() -> ParentLink {
        ParentLink::new()
    }
}
