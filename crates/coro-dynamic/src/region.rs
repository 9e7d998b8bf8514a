use crate::arena::Arena;
use crate::header::GRAIN;
use crate::{known, thread};
use std::cell::{Cell, RefCell};
use std::io;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::ptr::{self, NonNull};
use std::rc::Rc;
use sure_context::Word;
use sure_stack::{GuardedMmapStack, Stack, StackError};

/// A stack that dynamic coroutines take turns on: where their frames belong.
///
/// Every coroutine counts as one of its owners, so that it outlives them.
pub(crate) struct Region {
    /// Its lowest usable address and its high end.
    pub(crate) limit: usize,
    pub(crate) top: usize,
    /// From the one to the other, in bytes.
    size: usize,
    /// The thread that it belongs to, as [`thread::serial`] numbers it.
    pub(crate) thread: usize,
    /// The innermost coroutine that runs here.
    pub(crate) running: Cell<Option<Inhabitant>>,
    /// A suspended coroutine whose frames were left where they are. Only on a
    /// run stack, and only while nothing runs there.
    pub(crate) resident: Cell<Option<Inhabitant>>,
    /// The word that travels through a descent.
    pub(crate) word: Cell<Word>,
    /// What running coroutines have taken away, the innermost last.
    pub(crate) displaced: RefCell<Vec<Displaced>>,
    pub(crate) arena: Rc<Arena>,
    /// The memory, if this is a run stack.
    pub(crate) run_stack: Option<GuardedMmapStack>,
    /// The highest word of frames of which known words are left out; see [`known`](crate::known).
    pub(crate) entry_return: usize,
}

/// A coroutine of a region, by the address of its header. The region only compares it.
pub(crate) type Inhabitant = NonNull<()>;

/// The frames between a resumer's low edge and the base of the coroutine that
/// it has resumed from too far down.
pub(crate) struct Displaced {
    pub(crate) low: usize,
    pub(crate) bytes: usize,
    pub(crate) copy: NonNull<u8>,
    /// The resumer, whose saved registers are among these bytes.
    pub(crate) resumer: NonZeroUsize,
}

/// How far down a region reaches at most, in bytes: what is known of frames counts in 32 bits. The rest of a
/// larger stack is not a part of it.
#[cfg(target_pointer_width = "64")]
const DEEPEST: usize = GRAIN << 31;
#[cfg(not(target_pointer_width = "64"))]
const DEEPEST: usize = usize::MAX;

impl Region {
    fn new(bounds: Range<usize>, arena: Rc<Arena>, run_stack: Option<GuardedMmapStack>) -> Region {
        let top = bounds.end & !(ALIGNMENT - 1);
        let limit = bounds.start.max(top.saturating_sub(DEEPEST));
        Region {
            limit,
            top,
            size: top - limit,
            thread: thread::serial(),
            running: Cell::new(None),
            resident: Cell::new(None),
            word: Cell::new(Word::EMPTY),
            displaced: RefCell::new(Vec::new()),
            arena,
            run_stack,
            entry_return: known::entry_return(),
        }
    }

    /// The calling thread's own stack: the same region for all that ask on one thread, as
    /// long as it has an owner.
    pub(crate) fn of_thread() -> io::Result<Rc<Region>> {
        if let Some(region) = NonNull::new(OF_THREAD.get().cast_mut()) {
            // SAFETY: it came from an `Rc` of this thread, and has an owner: the last one
            // takes it out of `OF_THREAD`.
            return Ok(unsafe {
                Rc::increment_strong_count(region.as_ptr());
                Rc::from_raw(region.as_ptr())
            });
        }
        let arena = Rc::new(Arena::new());
        let region = Rc::new(Region::new(thread::stack_bounds()?, arena, None));
        OF_THREAD.set(Rc::as_ptr(&region));
        // While the thread's destructors run, the coroutines alone own it.
        let _ = KEPT.try_with(|kept| kept.replace(Some(Rc::clone(&region))));
        Ok(region)
    }

    /// A run stack of at least `bytes` bytes.
    pub(crate) fn of_run_stack(bytes: usize) -> Result<Rc<Region>, StackError> {
        let stack = GuardedMmapStack::allocate_at_least(bytes)?;
        let bounds = stack.limit().addr().get()..stack.base().addr().get();
        // The memory is shared with the coroutines on the thread's stack, if
        // there can be any.
        let arena = match Region::of_thread() {
            Ok(region) => Rc::clone(&region.arena),
            Err(_) => Rc::new(Arena::new()),
        };
        Ok(Rc::new(Region::new(bounds, arena, Some(stack))))
    }

    /// Copies a value of the innermost displacing coroutine's resumer. It may have
    /// been displaced as a whole, or not at all, or only its lower part: the base
    /// may be anywhere.
    ///
    /// # Safety
    /// 1. A coroutine displaces.
    /// 2. `bytes` bytes stood at `from` when its resumer was suspended, and `to` may be written.
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn fetch_displaced(&self, from: *const u8, to: *mut u8, bytes: usize) {
        let displaced = self.displaced.borrow();
        let displaced = displaced
            .last()
            .expect("a coroutine that displaces has noted what");
        // Where the value was moved out of a box, the compiler may have spared the
        // frame: such an address is far above or far below (and wraps around).
        let offset = from.addr().wrapping_sub(displaced.low);
        let moved = displaced.bytes.saturating_sub(offset).min(bytes);
        // SAFETY: `moved` bytes are in the copy, and the rest is where it was (2).
        unsafe {
            ptr::copy_nonoverlapping(displaced.copy.as_ptr().wrapping_add(offset), to, moved);
            ptr::copy_nonoverlapping(
                from.wrapping_add(moved),
                to.wrapping_add(moved),
                bytes - moved,
            );
        }
    }

    /// Whether an address lies on this stack.
    #[inline(always)]
    pub(crate) fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.limit) < self.size
    }
}

thread_local! {
    /// The region of the thread's own stack, while it has an owner. It has no destructor, so
    /// that coroutines that the destructors of other thread-locals make find it, too.
    static OF_THREAD: Cell<*const Region> = const { Cell::new(ptr::null()) };
    /// An owner, so that the region outlives a time without coroutines.
    static KEPT: RefCell<Option<Rc<Region>>> = const { RefCell::new(None) };
}

impl Drop for Region {
    fn drop(&mut self) {
        if ptr::eq(OF_THREAD.get(), self) {
            OF_THREAD.set(ptr::null());
        }
    }
}

/// What a base is aligned to: as much as any target wants of a stack pointer.
pub(crate) const ALIGNMENT: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    /// As the main thread's, where its size has no limit.
    #[test]
    fn of_a_stack_without_end_the_highest_part_is_a_region() {
        let arena = Rc::new(Arena::new());
        let top = 1 << (usize::BITS - 18);
        let region = Region::new(0x1000..top, arena, None);
        let limit = (top as u64).saturating_sub(16 << 30).max(0x1000);
        assert_eq!((region.top, region.limit as u64), (top, limit));
        assert!(region.contains(region.limit) && !region.contains(region.limit - 1));
    }

    #[test]
    fn a_region_ends_where_its_stack_does() {
        let region = Region::of_run_stack(64 << 10).expect("a stack");
        let (limit, top) = (region.limit, region.top);
        for inside in [limit, limit + 1, top - 1] {
            assert!(
                region.contains(inside),
                "{inside:#x} in {limit:#x}..{top:#x}"
            );
        }
        for outside in [0, limit - 1, top, top + 1, usize::MAX] {
            assert!(
                !region.contains(outside),
                "{outside:#x} in {limit:#x}..{top:#x}"
            );
        }
    }
}
