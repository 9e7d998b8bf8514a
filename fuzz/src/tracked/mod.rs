//! Coroutines that are tracked, and others, in a table, on two threads: they create, resume and end each other, suspend in many
//! places and on grown stacks, panic, and are unwound or abandoned. After each act the list of the thread must be the model's,
//! and dumps, of one thread or of both, must tell of as many in each place.

mod model;
mod other;
mod told;
mod world;

use crate::calls::{Exit, caught};
use crate::expected::{Expected, assert_message, ensure, fail};
use coro::{Coroutine, SuspendHandle, track};
use model::{One, State};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use sure_stack::{PooledStack, Stack};
use told::Told;
use world::{Entry, Looks, MOST_CALLS, SLOTS, World, world};

type Any = Coroutine<u32, u32, u32, Box<dyn Stack>>;
type Handle = SuspendHandle<u32, u32>;

pub(crate) fn run(bytes: &[u8]) {
    let world = world();
    world.begin(bytes);
    go_on(&world);
    world.end();
}

/// Does all that the world's bytes say.
fn go_on(world: &World) {
    let program = Call {
        world,
        handle: None,
        id: 0,
        grown: false,
        calls: 0,
    };
    while world.bytes.next().is_some() {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| program.run())) {
            world.crossing.panicked(&*payload);
        }
    }
}

/// A call that does what the bytes say, in the program (which has no handle) or in a coroutine.
#[derive(Clone, Copy)]
struct Call<'w> {
    world: &'w World,
    handle: Option<&'w Handle>,
    id: usize,
    /// On a stack by which the coroutine has grown.
    grown: bool,
    /// Calls below it.
    calls: usize,
}

impl Call<'_> {
    fn run(self) -> Exit {
        while let Some(byte) = self.world.bytes.next() {
            let mut exit = Exit::Leave;
            match byte % 20 {
                0..3 => self.create(byte),
                3..6 => self.resume(),
                6..9 => self.suspend(byte),
                9 | 10 => exit = self.call(byte),
                11 => return Exit::Leave,
                12 => return Exit::Finish,
                13 => resume_unwind(Box::new(Expected(self.world.crossing.send()))),
                14 | 15 => self.end_one(),
                16 => self.look(),
                17 => self.suspend_elsewhere(),
                18 => other::act(self.world),
                _ => self.dump(),
            }
            self.world.known.check();
            if exit == Exit::Finish {
                return Exit::Finish;
            }
        }
        Exit::Finish
    }

    fn slot(&self) -> usize {
        self.world.bytes.below(SLOTS)
    }

    fn create(&self, byte: u8) {
        let slot = self.slot();
        // Two lines, so that not all are created in one place.
        let entry = match byte & 0x80 {
            0 => self.created(),
            _ => self.created(),
        };
        self.world.put(slot, entry);
    }

    #[track_caller]
    fn created(&self) -> Entry {
        let (options, stack) = (self.world.bytes.below(256), self.world.stack());
        let name = (options & 1 != 0).then(|| format!("number {options}"));
        let (size, tracked) = (stack.size(), options & 6 != 0);
        let id = self.world.new_id();
        let captured = Looks(world());
        let body = move |handle: &Handle, first: u32| {
            let captured = captured;
            let world: &World = &captured.0;
            world.crossing.arrived(first, "the first input");
            let call = Call {
                world,
                handle: Some(handle),
                id,
                grown: false,
                calls: 0,
            };
            call.run();
            world.crossing.send()
        };
        let mut builder = Coroutine::builder().stack(stack);
        if let Some(name) = &name {
            builder = builder.name(name.as_str());
        }
        builder = match options & 6 {
            0 => builder,
            // What is released idly is tracked.
            2 => builder.release_idle(options << 8),
            _ => builder.tracked(true),
        };
        let coroutine: Any = builder.build(body).expect("the stack is large enough");
        let created = Location::caller();
        self.world.known.add(One {
            id,
            tracked,
            name,
            created,
            size,
        });
        Entry { coroutine, id }
    }

    fn resume(&self) {
        let (slot, guard) = (self.slot(), self.world.bytes.flag());
        let Some(_upon) = self.world.upon() else {
            return;
        };
        let Some(mut entry) = self.world.slots.take(slot) else {
            return;
        };
        let complete = entry.coroutine.is_complete();
        if !complete {
            self.world.known.set(entry.id, State::Running);
        }
        let input = self.world.crossing.send();
        let resume = AssertUnwindSafe(|| entry.coroutine.try_resume(input));
        let result = catch_unwind(resume);
        let ended = entry.coroutine.is_complete();
        if ended {
            self.world.known.set(entry.id, State::Complete);
        }
        self.world.put(slot, entry);
        let panic = self.world.crossing.resumed(result, complete, ended);
        if let Some(payload) = panic.filter(|_| !guard) {
            resume_unwind(payload);
        }
    }

    fn suspend(&self, byte: u8) {
        let Some(handle) = self.handle else {
            return;
        };
        match byte >> 6 {
            0 => self.suspended(handle, false),
            1 => self.suspended(handle, false),
            2 => self.suspended(handle, true),
            _ => coro::grow(64 << 10, || {
                let grown = true;
                Call { grown, ..*self }.suspended(handle, false);
            }),
        }
    }

    /// Suspends the coroutine, in the place of its caller.
    #[track_caller]
    fn suspended(&self, handle: &Handle, fallible: bool) {
        let value = self.world.crossing.send();
        let (grown, place) = (self.grown, Location::caller());
        let state = State::Suspended { grown, place };
        self.world.known.set(self.id, state);
        let input = match fallible {
            false => handle.suspend(value),
            true => match handle.try_suspend(value) {
                Ok(input) => input,
                Err(unwind) => {
                    let again = handle.try_suspend(value);
                    ensure!(again.is_err(), "suspended while it is dropped");
                    unwind.resume()
                }
            },
        };
        self.world.crossing.arrived(input, "an input");
    }

    /// A call of a kind that may suspend.
    fn call(self, byte: u8) -> Exit {
        let inner = Call {
            calls: self.calls + 1,
            ..self
        };
        if inner.calls > MOST_CALLS {
            return Exit::Leave;
        }
        match byte >> 6 {
            0 => inner.run(),
            1 => {
                let _looks = Looks(world());
                inner.run()
            }
            2 => {
                let grown = Call {
                    grown: self.handle.is_some(),
                    ..inner
                };
                coro::grow(128 << 10, || grown.run())
            }
            _ => caught(&self.world.crossing, || inner.run()),
        }
    }

    fn end_one(&self) {
        let (slot, kind) = (self.slot(), self.world.bytes.below(4));
        let Some(Entry { mut coroutine, id }) = self.world.slots.take(slot) else {
            return;
        };
        let known = &self.world.known;
        match kind {
            0 => self.world.discard(Entry { coroutine, id }),
            1 => {
                known.ends(id);
                coroutine.unwind();
                known.set(id, State::Complete);
                self.world.put(slot, Entry { coroutine, id });
            }
            // Not with stacks that it has grown, which would be leaked.
            2 if !matches!(known.state(id), State::Suspended { grown: true, .. }) => {
                // SAFETY: (1) it was in its slot, so it is not running. (2) No frame lends anything. (3) Its frames hold a share
                // of the world, which is there as long as the thread.
                let stack = unsafe { coroutine.abandon() };
                known.remove(id);
                self.world.kept.borrow_mut().push(stack);
            }
            _ => match (coroutine.is_complete(), coroutine.into_stack()) {
                (true, Ok(stack)) => {
                    known.remove(id);
                    self.world.kept.borrow_mut().push(stack);
                }
                (false, Err(coroutine)) => self.world.put(slot, Entry { coroutine, id }),
                (complete, _) => fail(&format!("into_stack of one, complete: {complete}")),
            },
        }
    }

    fn look(&self) {
        let (slot, kind) = (self.slot(), self.world.bytes.below(3));
        let Some(Entry { coroutine, id }) = self.world.slots.take(slot) else {
            return;
        };
        match kind {
            0 => {
                coroutine.release_unused();
            }
            1 => {
                let suspended = matches!(self.world.known.state(id), State::Suspended { .. });
                ensure!(coroutine.backtrace().is_some() == suspended, "a backtrace");
            }
            _ => track::checkpoint(),
        }
        self.world.put(slot, Entry { coroutine, id });
    }

    /// A suspend on a stack that is not the coroutine's is refused, and changes nothing.
    fn suspend_elsewhere(&self) {
        let Some(handle) = self.handle else {
            return;
        };
        let mut stack = PooledStack::new().expect("a stack");
        let suspend = AssertUnwindSafe(|| handle.suspend(0));
        match coro::on_stack(&mut stack, || catch_unwind(suspend)) {
            Err(payload) => assert_message(&*payload, "not run on its own stack"),
            Ok(_) => fail("suspended on another stack"),
        }
    }

    fn dump(&self) {
        if !self.world.may_dump() {
            return;
        }
        let mut text = Vec::new();
        track::dump(&mut text).expect("a vector takes all");
        let expected = self.world.known.told();
        match &Told::parse(&text)[..] {
            [(_, true, told)] => {
                ensure!(*told == expected, "{told:?} is told, not {expected:?}");
            }
            threads => fail(&format!("a dump of this thread tells of {threads:?}")),
        }
    }
}
