//! What the coroutines of a program share.

use super::Any;
use crate::bytes::Bytes;
use crate::calls::{Stacks, Upon};
use crate::crossing::Crossing;
use crate::expected::ensure;
use crate::slots::Slots;
use std::cell::RefCell;
use std::ptr::NonNull;
use sure_stack::{GuardedMmapStack, PooledStack, Stack, StackArena};

/// How many coroutines there are at a time, those apart that are running.
pub(super) const SLOTS: usize = 6;
/// How many calls stand on one stack, and how many stacks upon each other.
pub(super) const MOST_CALLS: usize = 6;
const MOST_STACKS: usize = 10;

/// A coroutine, and its number.
pub(super) struct Entry {
    pub(super) coroutine: Any,
    pub(super) id: usize,
}

/// One for each thread, as long as that runs: an abandoned frame refers to it, and owns nothing.
pub(super) struct World {
    pub(super) bytes: Bytes,
    pub(super) slots: Slots<Entry, SLOTS>,
    /// Stacks that were given back, for the next coroutines.
    pub(super) kept: RefCell<Vec<Box<dyn Stack>>>,
    /// For each coroutine, how many values live in its frames.
    alive: RefCell<Vec<i32>>,
    /// For each coroutine, how many of its calls have grown its stack.
    grown: RefCell<Vec<u32>>,
    /// For each that was abandoned, how many lived then.
    abandoned: RefCell<Vec<(usize, i32)>>,
    pub(super) crossing: Crossing,
    stacks: Stacks,
    arena: StackArena,
}

/// Frees a world when its thread ends.
struct Owner(NonNull<World>);

impl Drop for Owner {
    fn drop(&mut self) {
        // SAFETY: made by `Box::leak`; what refers to it are calls of this thread, all of which have ended or will never go on.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

thread_local! {
    static WORLD: Owner = Owner(NonNull::from(Box::leak(Box::new(World {
        bytes: Bytes::new(&[]),
        slots: Slots::default(),
        kept: RefCell::new(Vec::new()),
        alive: RefCell::new(Vec::new()),
        grown: RefCell::new(Vec::new()),
        abandoned: RefCell::new(Vec::new()),
        crossing: Crossing::default(),
        stacks: Stacks::default(),
        arena: StackArena::new(128 << 10).expect("a size"),
    }))));
}

/// That of this thread.
pub(super) fn world() -> &'static World {
    // SAFETY: it lives as long as the thread, and no longer do the calls of a program, which alone ask for it.
    WORLD.with(|world| unsafe { world.0.as_ref() })
}

impl World {
    pub(super) fn begin(&self, bytes: &[u8]) {
        self.bytes.reset(bytes);
        self.alive.replace(vec![0]);
        self.grown.replace(vec![0]);
        self.abandoned.borrow_mut().clear();
    }

    /// Ends all coroutines; then nothing lives but what was abandoned, and no stack is out.
    pub(super) fn end(&self) {
        for slot in 0..SLOTS {
            drop(self.slots.take(slot));
        }
        self.kept.borrow_mut().clear();
        let mut alive = self.alive.borrow_mut();
        for (id, then) in self.abandoned.borrow().iter() {
            ensure!(alive[*id] == *then, "a destructor ran in abandoned frames");
            alive[*id] = 0;
        }
        for (id, alive) in alive.iter().enumerate() {
            ensure!(
                *alive == 0,
                "{alive} values of coroutine {id} live at the end"
            );
        }
        let live = self.arena.statistics().live;
        ensure!(live == 0, "{live} stacks are out at the end");
        ensure!(
            self.stacks.count() == 0,
            "stacks upon each other at the end"
        );
    }

    /// The number of a new coroutine.
    pub(super) fn new_id(&self) -> usize {
        self.grown.borrow_mut().push(0);
        let mut alive = self.alive.borrow_mut();
        alive.push(0);
        alive.len() - 1
    }

    pub(super) fn grown(&self, id: usize) -> u32 {
        self.grown.borrow()[id]
    }

    pub(super) fn abandon(&self, id: usize) {
        let alive = self.alive.borrow()[id];
        self.abandoned.borrow_mut().push((id, alive));
    }

    /// Keeps an entry: in its slot, or another one, or not at all.
    pub(super) fn put(&self, slot: usize, entry: Entry) {
        drop(self.slots.put(slot, entry));
    }

    /// A stack of one of many kinds.
    pub(super) fn stack(&self) -> Box<dyn Stack> {
        match self.bytes.below(6) {
            0 => Box::new(PooledStack::new().expect("a stack")),
            1 => Box::new(PooledStack::allocate_at_least(128 << 10).expect("a stack")),
            2 => Box::new(PooledStack::allocate_at_least(1 << 20).expect("a stack")),
            3 => Box::new(GuardedMmapStack::allocate_at_least(128 << 10).expect("a stack")),
            4 => Box::new(self.arena.allocate().expect("a stack")),
            _ => {
                let kept = self.kept.borrow_mut().pop();
                kept.unwrap_or_else(|| Box::new(PooledStack::new().expect("a stack")))
            }
        }
    }
}

/// A value that lives in the frames of a coroutine, and is counted.
pub(super) struct Local {
    id: usize,
    check: u64,
}

const CHECK: u64 = 0x5AFE_1234_5678_C0DE;

impl Local {
    pub(super) fn new(id: usize) -> Local {
        world().alive.borrow_mut()[id] += 1;
        let check = CHECK ^ id as u64;
        Local { id, check }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        ensure!(self.check == CHECK ^ self.id as u64, "a damaged local");
        world().alive.borrow_mut()[self.id] -= 1;
    }
}

/// One more stack upon the others, until it is dropped.
pub(super) fn upon() -> Option<Upon<'static>> {
    world().stacks.upon(MOST_STACKS)
}

/// A call of a coroutine that may have grown its stack, until it is dropped.
pub(super) struct Grown(usize);

impl Grown {
    pub(super) fn new(id: usize) -> Grown {
        world().grown.borrow_mut()[id] += 1;
        Grown(id)
    }
}

impl Drop for Grown {
    fn drop(&mut self) {
        world().grown.borrow_mut()[self.0] -= 1;
    }
}
