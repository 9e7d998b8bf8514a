use crate::arena::Arena;
use crate::delta::Displaced;
use crate::header::Header;
use crate::thread;
use std::cell::{Cell, RefCell};
use std::io;
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
    /// The thread that it belongs to, as [`thread::serial`] numbers it.
    pub(crate) thread: usize,
    /// The innermost coroutine that runs here.
    pub(crate) running: Cell<Option<NonNull<Header>>>,
    /// A suspended coroutine whose frames were left where they are. Only on a
    /// run stack, and only while nothing runs there.
    pub(crate) resident: Cell<Option<NonNull<Header>>>,
    /// The word that travels through a descent.
    pub(crate) word: Cell<Word>,
    /// What running coroutines have taken away, the innermost last.
    pub(crate) displaced: RefCell<Vec<Displaced>>,
    pub(crate) arena: Rc<Arena>,
    /// The memory, if this is a run stack.
    pub(crate) run_stack: Option<GuardedMmapStack>,
}

impl Region {
    fn new(bounds: Range<usize>, arena: Rc<Arena>, run_stack: Option<GuardedMmapStack>) -> Region {
        Region {
            limit: bounds.start,
            top: bounds.end & !(ALIGNMENT - 1),
            thread: thread::serial(),
            running: Cell::new(None),
            resident: Cell::new(None),
            word: Cell::new(Word::EMPTY),
            displaced: RefCell::new(Vec::new()),
            arena,
            run_stack,
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

    /// Whether an address lies on this stack.
    #[inline(always)]
    pub(crate) fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.limit) < self.top - self.limit
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
