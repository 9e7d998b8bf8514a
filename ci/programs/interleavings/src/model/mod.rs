//! A machine of which every step is chosen: threads that are coroutines, and memory as x86-64's is (total store
//! order; Owens, Sarkar and Sewell, "A better x86 memory model", 2009).
//!
//! A thread suspends before each operation that others can notice, and tells which it is. A store that is not
//! sequentially consistent goes to the thread's buffer, from which it comes to memory at some later step, in
//! order. Every other operation but a load waits until the buffer is empty. Orders that only weaker machines
//! have (a load before an earlier load) are not explored.

pub mod atomic;
pub mod explore;
pub mod heap;
mod machine;
pub mod pthread;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};

use coro::SuspendHandle;

/// The handle of a thread's coroutine.
pub type Handle = SuspendHandle<(), Op>;

/// What a thread is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op {
    pub address: usize,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Load,
    /// A store to memory, whose thread has nothing in its buffer.
    Store,
    /// A load and a store in one.
    Change,
    /// The end of what is there. It waits for nothing: that is its thread's duty.
    Drop,
    Lock,
    Unlock,
    /// Copies the whole memory.
    Fork,
}

impl Op {
    /// Whether the order of these two makes a difference.
    pub fn depends_on(self, other: Op) -> bool {
        let everything = self.kind == Kind::Fork || other.kind == Kind::Fork;
        let both_load = self.kind == Kind::Load && other.kind == Kind::Load;
        everything || self.address == other.address && !both_load
    }
}

/// Which steps happened before something: of each actor, those up to a place in the execution.
#[derive(Clone, Debug, Default)]
pub struct Clock(Vec<usize>);

impl Clock {
    /// Takes in what happened before another thing.
    pub fn join(&mut self, other: &Clock) {
        self.0.resize(self.0.len().max(other.0.len()), 0);
        for (mine, other) in self.0.iter_mut().zip(&other.0) {
            *mine = (*mine).max(*other);
        }
    }

    /// Takes in the step that an actor makes at a place.
    pub fn set(&mut self, actor: usize, place: usize) {
        self.0.resize(self.0.len().max(actor + 1), 0);
        self.0[actor] = place + 1;
    }

    pub fn includes(&self, actor: usize, place: usize) -> bool {
        self.0.get(actor).is_some_and(|until| place < *until)
    }
}

/// All that changes in one execution.
#[derive(Default)]
pub struct World {
    /// Which thread runs, by its number; none while an execution is prepared or looked at.
    pub current: Option<usize>,
    /// The handle of each thread that has begun.
    handles: Vec<Option<*const Handle>>,
    /// By address. What is not here has its initial value, which is in the atomic itself.
    memory: HashMap<usize, usize>,
    /// Stores of each thread that have not come to memory.
    pub buffers: Vec<VecDeque<(usize, usize)>>,
    /// By address and thread.
    locals: HashMap<(usize, Option<usize>), usize>,
    /// Who holds the lock at an address.
    pub holders: HashMap<usize, usize>,
    /// Atomics that were dropped.
    dead: HashSet<usize>,
    handlers: Vec<pthread::Handlers>,
    /// Set by a thread that has become a process of its own: the others are not part of it.
    pub alone: Option<usize>,
    /// At the end coroutines are unwound, and nothing is looked at any more.
    pub over: bool,
}

thread_local! {
    pub static WORLD: RefCell<World> = RefCell::new(World::default());
}

/// Calls `f` with the world, in which it does not suspend.
pub fn with<R>(f: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with_borrow_mut(f)
}

impl World {
    /// Makes room for so many threads.
    pub fn expect_threads(&mut self, threads: usize) {
        self.handles = vec![None; threads];
        self.buffers = vec![VecDeque::new(); threads];
    }

    /// Whether the thread may do this now.
    pub fn allows(&self, thread: usize, op: Op) -> bool {
        let drained = self.buffers[thread].is_empty();
        match op.kind {
            Kind::Load | Kind::Drop => true,
            Kind::Lock => drained && !self.holders.contains_key(&op.address),
            Kind::Store | Kind::Change | Kind::Unlock | Kind::Fork => drained,
        }
    }

    /// The oldest store of a thread comes to memory.
    pub fn flush(&mut self, thread: usize) {
        if let Some((address, value)) = self.buffers[thread].pop_front() {
            self.memory.insert(address, value);
        }
    }

    fn holds_a_lock(&self) -> bool {
        self.holders
            .values()
            .any(|holder| Some(*holder) == self.current)
    }
}

/// Notes the handle of the thread that runs.
pub fn begin(handle: &Handle) {
    with(|world| {
        let current = world.current.expect("a thread runs");
        world.handles[current] = Some(handle);
    });
}

/// The thread waits until the machine lets it do this; then it does it at once.
pub fn wait_for(address: usize, kind: Kind) {
    let handle = with(|world| match world.current {
        Some(current) if !world.over => world.handles[current],
        _ => None,
    });
    if let Some(handle) = handle {
        // SAFETY: the handle of the thread that runs, which is alive while its body is.
        unsafe { &*handle }.suspend(Op { address, kind });
    }
}

/// Calls `f`: what stands in broken copies instead of a lock.
pub fn at_once(f: impl FnOnce()) {
    f();
}

/// A number of each thread's, which begins as 0. The field gives it an address.
pub struct Local(#[allow(dead_code, reason = "it has an address")] pub u8);

impl Local {
    fn place(&self, world: &World) -> (usize, Option<usize>) {
        (std::ptr::from_ref(self).addr(), world.current)
    }

    pub fn get(&self) -> usize {
        with(|world| world.locals.get(&self.place(world)).copied().unwrap_or(0))
    }

    pub fn replace(&self, value: usize) -> usize {
        with(|world| world.locals.insert(self.place(world), value).unwrap_or(0))
    }

    pub fn set(&self, value: usize) {
        self.replace(value);
    }
}
