//! The coroutines of a thread, and what should be found on the stack of each.

use super::Any;
use super::values::Values;
use crate::bytes::Bytes;
use crate::calls::{self, Stacks};
use crate::crossing::Crossing;
use crate::expected::ensure;
use crate::slots::Slots;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use sure_stack::{PooledStack, Stack};

/// How many coroutines there are at a time, those apart that are running.
pub(super) const SLOTS: usize = 6;
/// How many calls stand upon each other on a stack at most, those apart that coroutines make on their resumer's.
pub(super) const MOST_CALLS: usize = 5;
/// How many calls there are to other stacks, waiting or not.
const MOST_STACKS: usize = 16;

/// A coroutine, and its number.
pub(super) struct Entry {
    pub(super) coroutine: Any,
    pub(super) id: usize,
}

/// What is known of a coroutine.
#[derive(Default)]
pub(super) struct One {
    pub(super) findable: bool,
    /// Whether its handle is found, not only its name and values.
    pub(super) typed: bool,
    pub(super) name: Option<String>,
    /// On whose stack the present resume, or the last one, was called.
    pub(super) resumer: Cell<Option<usize>>,
    pub(super) values: Values,
    /// How many of its calls wait for calls on other stacks, which would be leaked with it if it were abandoned.
    pub(super) away: Cell<u32>,
}

/// One for each thread.
#[derive(Default)]
pub(super) struct World {
    pub(super) bytes: Bytes,
    pub(super) slots: Slots<Entry, SLOTS>,
    /// Stacks that were given back, for the next coroutines.
    pub(super) kept: RefCell<Vec<Box<dyn Stack>>>,
    /// By number. The first is none: the thread itself.
    pub(super) coroutines: RefCell<Vec<Rc<One>>>,
    /// Where the last one stood that has asked for a value.
    pub(super) asks: Cell<Option<usize>>,
    /// Where the code stands that ends a coroutine.
    pub(super) ender: Cell<Option<usize>>,
    /// Values of coroutines.
    pub(super) alive: Cell<u32>,
    pub(super) crossing: Crossing,
    stacks: Stacks,
}

thread_local! {
    static WORLD: Rc<World> = Rc::default();
}

/// That of this thread.
pub(super) fn world() -> Rc<World> {
    WORLD.with(Rc::clone)
}

impl World {
    pub(super) fn begin(&self, bytes: &[u8]) {
        self.bytes.reset(bytes);
        self.coroutines.replace(vec![Rc::default()]);
    }

    /// Ends all coroutines; then nothing of them is left.
    pub(super) fn end(&self) {
        // One that has suspended another puts that back into a slot when it goes.
        while let Some(entry) = self.slots.take_any() {
            self.discard(entry, None);
        }
        self.kept.borrow_mut().clear();
        let alive = self.alive.get();
        ensure!(alive == 0, "{alive} values live at the end");
        let all = self.coroutines.borrow();
        ensure!(
            all.iter().all(|one| one.values.is_empty()),
            "values were not dropped"
        );
        ensure!(self.stacks.count() == 0, "calls on other stacks at the end");
    }

    /// The number of a new coroutine.
    pub(super) fn add(&self, one: One) -> usize {
        let mut all = self.coroutines.borrow_mut();
        all.push(Rc::new(one));
        all.len() - 1
    }

    pub(super) fn one(&self, id: usize) -> Rc<One> {
        Rc::clone(&self.coroutines.borrow()[id])
    }

    /// The coroutine that should be found by code that stands on the stack of this one.
    pub(super) fn findable(&self, place: Option<usize>) -> Option<Rc<One>> {
        place.map(|id| self.one(id)).filter(|one| one.findable)
    }

    /// Keeps an entry: in its slot, or another one, or not at all. `place` is where the caller stands.
    pub(super) fn put(&self, slot: usize, entry: Entry, place: Option<usize>) {
        if let Some(entry) = self.slots.put(slot, entry) {
            self.discard(entry, place);
        }
    }

    /// Drops a coroutine.
    pub(super) fn discard(&self, entry: Entry, place: Option<usize>) {
        let Entry { coroutine, id } = entry;
        self.ends(id, place, || drop(coroutine));
    }

    /// Calls what ends the coroutine for good, where the caller stands.
    pub(super) fn ends<R>(&self, id: usize, place: Option<usize>, f: impl FnOnce() -> R) -> R {
        let one = self.one(id);
        one.values.end();
        let outer = self.ender.replace(place);
        let result = f();
        self.ender.set(outer);
        ensure!(one.values.is_empty(), "values outlive their coroutine");
        result
    }

    pub(super) fn stack(&self) -> Box<dyn Stack> {
        let kept = self.kept.borrow_mut().pop();
        kept.unwrap_or_else(|| Box::new(PooledStack::new().expect("a stack")))
    }
}

/// A call to another stack, until it is dropped.
pub(super) struct Upon<'a> {
    _stack: calls::Upon<'a>,
    /// The coroutine that calls.
    one: Option<Rc<One>>,
}

impl<'a> Upon<'a> {
    pub(super) fn new(world: &'a World, place: Option<usize>) -> Option<Upon<'a>> {
        world.stacks.upon(MOST_STACKS).map(|stack| {
            let one = place.map(|id| world.one(id));
            if let Some(one) = &one {
                one.away.set(one.away.get() + 1);
            }
            Upon { _stack: stack, one }
        })
    }
}

impl Drop for Upon<'_> {
    fn drop(&mut self) {
        if let Some(one) = &self.one {
            one.away.set(one.away.get() - 1);
        }
    }
}
