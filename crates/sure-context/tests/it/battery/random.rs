//! Many contexts that continue each other in random order, against a model.

use super::fiber::Memory;
use crate::host::repetitions;
use alloc::{boxed::Box, rc::Rc, vec, vec::Vec};
use core::cell::{Cell, RefCell};
use core::hint::black_box;
use core::ptr::NonNull;
use sure_context::{
    Arrival, Departure, ExecutionContext, FnTrampoline, ParentLink, Signal, Word, prepare,
};

const CONTEXTS: usize = 64;

/// A small generator of pseudo-random numbers (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % n
    }

    /// A context that is not `me`.
    fn other_than(&mut self, me: usize) -> usize {
        (me + 1 + self.below(CONTEXTS - 1)) % CONTEXTS
    }
}

/// What one context computes from what it is sent: some integers, some floats.
#[derive(Clone, Copy, Debug, PartialEq)]
struct State {
    hash: u64,
    wide: u128,
    float: f64,
    steps: usize,
}

impl State {
    fn new(id: usize) -> State {
        State {
            hash: id as u64 + 1,
            wide: id as u128,
            float: id as f64,
            steps: 0,
        }
    }

    /// `#[inline(always)]`: the state is meant to live in the switching frame.
    #[inline(always)]
    fn step(&mut self, word: usize) -> usize {
        self.hash = (self.hash ^ word as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.wide = self.wide.wrapping_mul(3).wrapping_add(word as u128) << 1;
        self.float = self.float * 0.75 + (word & 0xFF) as f64;
        self.steps += 1;
        (self.hash >> 40) as usize ^ self.steps
    }
}

/// Shared by all contexts: which of them are suspended where, and what happens next.
struct World {
    suspended: RefCell<Vec<Option<ExecutionContext>>>,
    links: RefCell<Vec<NonNull<ParentLink>>>,
    random: RefCell<Random>,
    current: Cell<usize>,
    /// Switches that are left. At 0 a context that is continued ends, and goes back to the test.
    left: Cell<usize>,
    test: RefCell<Option<ExecutionContext>>,
    finals: RefCell<Vec<State>>,
}

impl World {
    /// Continues another context, at random by `resume` or by `switch`, until
    /// a context continues the caller; returns the word that came.
    #[inline(always)]
    fn go_elsewhere(&self, me: usize, word: usize) -> usize {
        let next = self.random.borrow_mut().other_than(me);
        let to = self.suspended.borrow_mut()[next].take().expect("suspended");
        let link = self.links.borrow()[next];
        self.current.set(next);
        let word = Word::from_usize(word);
        let arrival = if self.random.borrow_mut().below(2) == 0 {
            // SAFETY: every context stays alive until the end of the test, is in
            // the table exactly while it is suspended, and the link is its own;
            // words are numbers.
            unsafe { to.resume(link, word, Signal::Run) }
        } else {
            // SAFETY: every context stays alive, is in the table exactly while it is
            // suspended, and receives numbers.
            unsafe { to.switch(word, Signal::Run) }
        };
        self.arrive(arrival)
    }

    /// Puts the context that was left into the table; its number is in the word.
    #[inline(always)]
    fn arrive(&self, arrival: Arrival) -> usize {
        // SAFETY: a number.
        let word = unsafe { arrival.word.as_usize() };
        if self.left.get() == 0 {
            *self.test.borrow_mut() = arrival.from;
        } else {
            self.suspended.borrow_mut()[word % CONTEXTS] = arrival.from;
        }
        word
    }

    /// A context's life, at a call depth that depends on what it is sent.
    #[inline(never)]
    fn live(&self, me: usize, state: &mut State, mut word: usize, depth: usize) -> usize {
        let pad = black_box([me; 5]);
        let mut local = *state;
        loop {
            let answer = local.step(word);
            if self.left.get() == 0 {
                break;
            }
            self.left.set(self.left.get() - 1);
            if self.left.get() == 0 {
                break;
            }
            word = self.go_elsewhere(me, (answer & 0xFFFF) * CONTEXTS + me);
            assert_eq!(self.current.get(), me);
            if word.is_multiple_of(7) && depth < 20 {
                word = self.live(me, &mut local, word, depth + 1);
            } else if word.is_multiple_of(5) && depth > 0 {
                break;
            }
        }
        *state = local;
        assert_eq!(black_box(pad), [me; 5]);
        word
    }
}

/// The same without contexts: the call stack of `live` is a depth, and a return
/// into the loop of the caller is a step more.
struct Model {
    states: Vec<State>,
    depths: Vec<usize>,
    fresh: Vec<bool>,
}

impl Model {
    fn run(seed: u64, switches: usize) -> Vec<State> {
        let mut random = Random(seed);
        let mut model = Model {
            states: (0..CONTEXTS).map(State::new).collect(),
            depths: vec![0; CONTEXTS],
            fresh: vec![true; CONTEXTS],
        };
        let (mut me, mut word) = (0, 0);
        for left in (0..switches).rev() {
            let answer = model.arrive(me, word);
            if left == 0 {
                break;
            }
            word = (answer & 0xFFFF) * CONTEXTS + me;
            me = random.other_than(me);
            random.below(2);
        }
        model.end(me, word);
        for other in (0..CONTEXTS).filter(|&other| other != me) {
            model.arrive(other, other);
            model.end(other, other);
        }
        model.states
    }

    fn arrive(&mut self, me: usize, word: usize) -> usize {
        if !core::mem::take(&mut self.fresh[me]) {
            if word.is_multiple_of(7) && self.depths[me] < 20 {
                self.depths[me] += 1;
            } else if word.is_multiple_of(5) && self.depths[me] > 0 {
                self.depths[me] -= 1;
            }
        }
        self.states[me].step(word)
    }

    /// Every level returns into a loop that steps once more and ends.
    fn end(&mut self, me: usize, word: usize) {
        for _ in 0..self.depths[me] {
            self.states[me].step(word);
        }
    }
}

pub(crate) fn random_switches_agree_with_a_model() {
    let switches = repetitions(100_000);
    for seed in [1, 0xDEAD_BEEF_u64] {
        let (found, expected) = (run(seed, switches), Model::run(seed, switches));
        for (id, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found, expected, "context {id}, seed {seed}");
        }
    }
}

type First = FnTrampoline<Box<dyn FnOnce(Arrival) -> Departure>>;

fn run(seed: u64, switches: usize) -> Vec<State> {
    let world = Rc::new(World {
        suspended: RefCell::default(),
        links: RefCell::default(),
        random: RefCell::new(Random(seed)),
        current: Cell::new(0),
        left: Cell::new(switches),
        test: RefCell::default(),
        finals: RefCell::new((0..CONTEXTS).map(State::new).collect()),
    });
    let mut memories: Vec<_> = (0..CONTEXTS).map(|_| Memory::new(512 << 10)).collect();
    let mut firsts = Vec::new();
    for (id, memory) in memories.iter_mut().enumerate() {
        let (limit, base) = memory.bounds();
        let world_inside = Rc::clone(&world);
        let first = First::new(Box::new(move |arrival| {
            let world = world_inside;
            let word = if world.left.get() == switches {
                *world.test.borrow_mut() = arrival.from;
                0
            } else {
                world.arrive(arrival)
            };
            let mut state = State::new(id);
            world.live(id, &mut state, word, 0);
            world.finals.borrow_mut()[id] = state;
            let to = world.test.borrow_mut().take().expect("the test waits");
            Departure {
                to,
                word: Word::EMPTY,
                signal: Signal::Run,
            }
        }));
        let first = NonNull::from(Box::leak(Box::new(first)));
        // SAFETY: memory and trampoline stay until the end of the test.
        let context = unsafe { prepare(limit, base, first) }.expect("room");
        world.suspended.borrow_mut().push(Some(context));
        world.links.borrow_mut().push(first.cast());
        firsts.push(first);
    }
    // The first makes all of the random switches; when they are used up, the
    // one that saw the end is gone, and the others are told one by one.
    for id in core::iter::once(0).chain(0..CONTEXTS) {
        let Some(context) = world.suspended.borrow_mut()[id].take() else {
            continue;
        };
        let link = world.links.borrow()[id];
        world.current.set(id);
        // SAFETY: as in `go_elsewhere`.
        let arrival = unsafe { context.resume(link, Word::from_usize(id), Signal::Run) };
        assert!(arrival.from.is_none(), "it has ended");
    }
    for first in firsts {
        // SAFETY: leaked above, and its execution has ended.
        drop(unsafe { Box::from_raw(first.as_ptr()) });
    }
    world.finals.borrow().clone()
}
