//! The threads of one execution, each with a store buffer, and the steps that they can make.

use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};

use coro::{Coroutine, CoroutineState};

use super::explore::sentence;
use super::{Clock, Handle, Kind, Op, begin, with};

/// Who makes a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    Thread(usize),
    /// The store buffer of a thread.
    Buffer(usize),
}

impl Actor {
    /// A number that no other actor has.
    pub fn number(self) -> usize {
        match self {
            Actor::Thread(thread) => 2 * thread,
            Actor::Buffer(thread) => 2 * thread + 1,
        }
    }
}

pub type Step = (Actor, Op);

/// One thread.
struct Thread {
    coroutine: Coroutine<(), Op, ()>,
    /// What it waits to do; nothing when it has ended.
    next: Option<Op>,
    clock: Clock,
    buffer_clock: Clock,
    /// What happened before each of the stores in its buffer.
    stores: VecDeque<Clock>,
}

pub struct Machine(Vec<Thread>);

impl Machine {
    pub fn new(bodies: Vec<Box<dyn FnOnce()>>) -> Machine {
        with(|world| world.expect_threads(bodies.len()));
        let threads = bodies.into_iter().map(|body| Thread {
            coroutine: Coroutine::new(move |handle: &Handle, ()| {
                begin(handle);
                body();
            }),
            next: None,
            clock: Clock::default(),
            buffer_clock: Clock::default(),
            stores: VecDeque::new(),
        });
        Machine(threads.collect())
    }

    /// Runs each thread to its first step: until then it does nothing that others notice.
    pub fn begin(&mut self) -> Result<(), String> {
        (0..self.0.len()).try_for_each(|number| self.resume(number))
    }

    fn resume(&mut self, number: usize) -> Result<(), String> {
        with(|world| world.current = Some(number));
        let thread = &mut self.0[number];
        let state = panic::catch_unwind(AssertUnwindSafe(|| thread.coroutine.resume(())));
        with(|world| world.current = None);
        thread.next = match state {
            Ok(CoroutineState::Yielded(op)) => Some(op),
            Ok(CoroutineState::Complete(())) => None,
            Err(payload) => return Err(sentence(&*payload)),
        };
        let stores = with(|world| world.buffers[number].len());
        thread.stores.resize(stores, thread.clock.clone());
        Ok(())
    }

    /// Makes a step, before which `clock` happened.
    pub fn make(&mut self, (actor, _): Step, clock: &Clock) -> Result<(), String> {
        match actor {
            Actor::Thread(number) => {
                self.0[number].clock = clock.clone();
                self.resume(number)
            }
            Actor::Buffer(number) => {
                self.0[number].buffer_clock = clock.clone();
                self.0[number].stores.pop_front();
                with(|world| world.flush(number));
                Ok(())
            }
        }
    }

    /// What happened before the next step of an actor, as far as it knows.
    pub fn clock(&self, actor: Actor) -> Clock {
        match actor {
            Actor::Thread(number) => {
                let Thread {
                    clock,
                    buffer_clock,
                    next,
                    ..
                } = &self.0[number];
                let mut clock = clock.clone();
                if next.is_some_and(|op| !matches!(op.kind, Kind::Load | Kind::Drop)) {
                    clock.join(buffer_clock);
                }
                clock
            }
            Actor::Buffer(number) => {
                let mut clock = self.0[number].buffer_clock.clone();
                if let Some(store) = self.0[number].stores.front() {
                    clock.join(store);
                }
                clock
            }
        }
    }

    /// The next step of each actor, whether or not it can make it now.
    pub fn next_steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (number, thread) in self.0.iter().enumerate() {
            if !takes_part(number) {
                continue;
            }
            let store = with(|world| world.buffers[number].front().copied());
            if let Some((address, _)) = store {
                let kind = Kind::Store;
                steps.push((Actor::Buffer(number), Op { address, kind }));
            }
            steps.extend(thread.next.map(|op| (Actor::Thread(number), op)));
        }
        steps
    }

    /// Those that can be made.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = self.next_steps();
        steps.retain(|(actor, op)| match actor {
            Actor::Thread(number) => with(|world| world.allows(*number, *op)),
            Actor::Buffer(_) => true,
        });
        steps
    }

    /// How many threads have not ended.
    pub fn waiting(&self) -> usize {
        let threads = self.0.iter().enumerate();
        threads
            .filter(|(number, thread)| thread.next.is_some() && takes_part(*number))
            .count()
    }
}

/// Whether a thread belongs to the process that is followed.
fn takes_part(number: usize) -> bool {
    with(|world| world.alone.is_none_or(|alone| alone == number))
}
