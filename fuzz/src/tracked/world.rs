//! What the coroutines of a thread share.

use super::Any;
use super::model::Known;
use super::other::Other;
use crate::bytes::Bytes;
use crate::calls::{Stacks, Upon};
use crate::crossing::Crossing;
use crate::expected::ensure;
use crate::slots::Slots;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use sure_stack::{GuardedMmapStack, PooledStack, Stack};

/// A world, shared by all frames of its thread.
type Shared = Rc<World>;

/// How many coroutines there are at a time, those apart that are running.
pub(super) const SLOTS: usize = 7;
/// How many calls stand on one stack, and how many stacks upon each other.
pub(super) const MOST_CALLS: usize = 5;
const MOST_STACKS: usize = 8;
/// How many dumps a program makes, for each of which names of functions are looked up.
const MOST_DUMPS: usize = 3;

/// A coroutine, and its number.
pub(super) struct Entry {
    pub(super) coroutine: Any,
    pub(super) id: usize,
}

/// One for each thread.
#[derive(Default)]
pub(super) struct World {
    pub(super) bytes: Bytes,
    pub(super) slots: Slots<Entry, SLOTS>,
    /// Stacks that were given back, for the next coroutines.
    pub(super) kept: RefCell<Vec<Box<dyn Stack>>>,
    pub(super) known: Known,
    pub(super) crossing: Crossing,
    ids: Cell<usize>,
    stacks: Stacks,
    dumps: Cell<usize>,
    /// The other thread, if this one has begun it.
    pub(super) other: RefCell<Option<Other>>,
    /// Whether this is the other thread.
    pub(super) is_other: Cell<bool>,
}

thread_local! {
    static WORLD: Shared = Rc::default();
}

/// That of this thread.
pub(super) fn world() -> Shared {
    WORLD.with(Rc::clone)
}

impl World {
    pub(super) fn begin(&self, bytes: &[u8]) {
        self.bytes.reset(bytes);
        self.dumps.set(0);
    }

    /// Ends all coroutines, and the other thread; then nothing is tracked.
    pub(super) fn end(&self) {
        let other = self.other.take();
        drop(other);
        for slot in 0..SLOTS {
            if let Some(entry) = self.slots.take(slot) {
                self.discard(entry);
            }
        }
        self.kept.borrow_mut().clear();
        ensure!(self.known.is_empty(), "the model has coroutines at the end");
        self.known.check();
        ensure!(
            self.stacks.count() == 0,
            "stacks upon each other at the end"
        );
    }

    /// The number of a new coroutine.
    pub(super) fn new_id(&self) -> usize {
        self.ids.set(self.ids.get() + 1);
        self.ids.get()
    }

    /// Keeps an entry: in its slot, or another one, or not at all.
    pub(super) fn put(&self, slot: usize, entry: Entry) {
        if let Some(entry) = self.slots.put(slot, entry) {
            self.discard(entry);
        }
    }

    /// One more stack upon the others, until that is dropped.
    pub(super) fn upon(&self) -> Option<Upon<'_>> {
        self.stacks.upon(MOST_STACKS)
    }

    /// Drops a coroutine, which is listed as running until it is gone.
    pub(super) fn discard(&self, entry: Entry) {
        let Entry { coroutine, id } = entry;
        self.known.ends(id);
        drop(coroutine);
        self.known.remove(id);
    }

    /// A stack of one of some kinds.
    pub(super) fn stack(&self) -> Box<dyn Stack> {
        match self.bytes.below(4) {
            0 => Box::new(PooledStack::new().expect("a stack")),
            1 => Box::new(GuardedMmapStack::allocate_at_least(128 << 10).expect("a stack")),
            _ => {
                let kept = self.kept.borrow_mut().pop();
                kept.unwrap_or_else(|| Box::new(PooledStack::new().expect("a stack")))
            }
        }
    }

    /// Whether the program may make one more dump.
    pub(super) fn may_dump(&self) -> bool {
        self.dumps.set(self.dumps.get() + 1);
        self.dumps.get() <= MOST_DUMPS
    }
}

/// Looks at the list when it is dropped: in frames that return, panic, or are unwound; and in closures that never ran.
pub(super) struct Looks(pub(super) Shared);

impl Drop for Looks {
    fn drop(&mut self) {
        self.0.known.check();
    }
}
