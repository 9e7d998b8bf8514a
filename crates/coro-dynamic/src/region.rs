use crate::arena::Arena;
use crate::delta::Displaced;
use crate::header::Header;
use crate::thread;
use std::cell::{Cell, RefCell};
use std::io;
use std::ops::Range;
use std::ptr::NonNull;
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

    /// The calling thread's own stack.
    pub(crate) fn of_thread() -> io::Result<Rc<Region>> {
        thread_local! {
            static REGION: RefCell<Option<Rc<Region>>> = const { RefCell::new(None) };
        }
        let make = || {
            let arena = Rc::new(Arena::new());
            Ok(Rc::new(Region::new(thread::stack_bounds()?, arena, None)))
        };
        let kept = REGION.try_with(|region| {
            let mut region = region.borrow_mut();
            match &*region {
                Some(region) => Ok(Rc::clone(region)),
                None => make().inspect(|made| *region = Some(Rc::clone(made))),
            }
        });
        // Where the thread's destructors have passed by here already, one that
        // nobody keeps does as well.
        kept.unwrap_or_else(|_| make())
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

/// What a base is aligned to: as much as any target wants of a stack pointer.
pub(crate) const ALIGNMENT: usize = 16;
