//! Coroutines in a table, on stacks of every kind, each of which may create, resume and end each other: by a drop, an unwind,
//! a panic, by being abandoned, by giving its stack away; and calls on other stacks in between.
//!
//! All of them read what to do next from the same bytes, so the program goes on wherever a switch leads.

mod world;

use crate::calls::{Exit, caught};
use crate::expected::{Expected, assert_message, ensure, fail};
use coro::{Coroutine, Status, SuspendHandle};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use sure_stack::Stack;
use world::{Entry, Grown, Local, MOST_CALLS, SLOTS, World, world};

type Any = Coroutine<u32, u32, u32, Box<dyn Stack>>;
type Handle = SuspendHandle<u32, u32>;

pub(crate) fn run(bytes: &[u8]) {
    let world = world();
    world.begin(bytes);
    let program = Call {
        world,
        handle: None,
        own_stack: true,
        id: 0,
        calls: 0,
    };
    while world.bytes.next().is_some() {
        match catch_unwind(AssertUnwindSafe(|| program.run())) {
            Ok(_) => {}
            Err(payload) => world.crossing.panicked(&*payload),
        }
    }
    world.end();
}

/// A call that does what the bytes say, in the program (which has no handle) or in a coroutine.
#[derive(Clone, Copy)]
struct Call<'h> {
    world: &'static World,
    handle: Option<&'h Handle>,
    /// Whether it runs on the coroutine's own stack, where alone it can suspend.
    own_stack: bool,
    id: usize,
    /// Calls below it on this stack.
    calls: usize,
}

impl Call<'_> {
    fn run(self) -> Exit {
        while let Some(byte) = self.world.bytes.next() {
            match byte % 22 {
                0..3 => self.create(),
                3..7 => self.resume(),
                7..9 => self.suspend(byte),
                9..14 => {
                    if self.call(byte % 22 - 9) == Exit::Finish {
                        return Exit::Finish;
                    }
                }
                14 => return Exit::Leave,
                15 => return Exit::Finish,
                16 => self.panic(),
                17 | 18 => self.end_one(),
                19 => self.look(),
                20 => self.swap(),
                _ => self.away(),
            }
        }
        Exit::Finish
    }

    fn slot(&self) -> usize {
        self.world.bytes.below(SLOTS)
    }

    fn create(&self) {
        let (slot, id) = (self.slot(), self.world.new_id());
        let captured = Local::new(id);
        let body = move |handle: &Handle, first: u32| {
            let world = world::world();
            let _captured = captured;
            world.crossing.arrived(first, "the first input");
            let call = Call {
                world,
                handle: Some(handle),
                own_stack: true,
                id,
                calls: 0,
            };
            call.run();
            world.crossing.send()
        };
        let builder = Coroutine::builder().stack(self.world.stack());
        let built = match self.world.bytes.flag() {
            true => builder.name(format!("{id}")).build(body),
            false => builder.build(body),
        };
        let coroutine = built.expect("the stack is large enough");
        self.world.put(slot, Entry { coroutine, id });
    }

    fn resume(&self) {
        /// Keeps a coroutine after its resume, which may panic.
        struct PutBack(usize, Option<Entry>);
        impl Drop for PutBack {
            fn drop(&mut self) {
                let entry = self.1.take().expect("dropped once");
                world().put(self.0, entry);
            }
        }
        let slot = self.slot();
        let guard = self.world.bytes.flag();
        let Some(_upon) = world::upon() else {
            return;
        };
        let Some(entry) = self.world.slots.take(slot) else {
            return;
        };
        let mut entry = PutBack(slot, Some(entry));
        let coroutine = &mut entry.1.as_mut().expect("put there").coroutine;
        let complete = coroutine.is_complete();
        let input = self.world.crossing.send();
        let mut resume = || coroutine.try_resume(input);
        let result = match guard {
            true => catch_unwind(AssertUnwindSafe(resume)),
            false => Ok(resume()),
        };
        let ended = coroutine.is_complete();
        self.world.crossing.resumed(result, complete, ended);
    }

    fn suspend(&self, byte: u8) {
        let Some(handle) = self.handle else {
            return;
        };
        if !self.own_stack {
            let refused = catch_unwind(AssertUnwindSafe(|| handle.suspend(0)));
            match refused {
                Err(payload) => assert_message(&*payload, "not run on its own stack"),
                Ok(_) => fail("suspended on another stack"),
            }
            return;
        }
        let value = self.world.crossing.send();
        let input = match byte & 1 {
            0 => handle.suspend(value),
            _ => match handle.try_suspend(value) {
                Ok(input) => input,
                Err(unwind) => unwind.resume(),
            },
        };
        self.world.crossing.arrived(input, "an input");
    }

    /// A call of a kind that stays on this stack.
    fn call(self, kind: u8) -> Exit {
        let inner = Call {
            calls: self.calls + 1,
            ..self
        };
        if inner.calls > MOST_CALLS {
            return Exit::Leave;
        }
        match kind {
            0 | 1 => {
                let _local = Local::new(self.id);
                inner.run()
            }
            2 => {
                let _local = Local::new(self.id);
                let _resuming = ResumingDestructor;
                inner.run()
            }
            _ => caught(&self.world.crossing, || inner.run()),
        }
    }

    /// A call on another stack.
    fn away(self) {
        let inner = Call {
            own_stack: false,
            calls: 0,
            ..self
        };
        match (self.world.bytes.below(4), self.handle) {
            (0, Some(handle)) if self.own_stack => {
                if let Some(_upon) = world::upon() {
                    // On the resumer's stack, below what it has there already.
                    let calls = MOST_CALLS / 2;
                    handle.on_parent_stack(|| Call { calls, ..inner }.run());
                }
            }
            (1, _) => {
                if let Some(_upon) = world::upon() {
                    let mut stack = self.world.stack();
                    coro::on_stack(&mut stack, || inner.run());
                }
            }
            (kind, _) => {
                // A grown stack is the coroutine's own, which may be suspended there. It counts as a call, because one upon
                // the others would count for as long.
                let (calls, _grown) = (self.calls + 1, Grown::new(self.id));
                let inner = Call { calls, ..self };
                // Half of what is left suffices; it grows where that is not known.
                let red_zone = coro::remaining_stack().map_or(0, |left| left / 2);
                match kind {
                    _ if calls > MOST_CALLS => {}
                    2 => drop(coro::maybe_grow(red_zone, 256 << 10, || inner.run())),
                    _ => drop(coro::grow(128 << 10, || inner.run())),
                }
            }
        }
    }

    fn panic(&self) {
        let number = self.world.crossing.send();
        match self.world.bytes.flag() {
            true => panic_any(Expected(number)),
            false => resume_unwind(Box::new(Expected(number))),
        }
    }

    fn end_one(&self) {
        let (slot, kind) = (self.slot(), self.world.bytes.below(4));
        let Some(Entry { mut coroutine, id }) = self.world.slots.take(slot) else {
            return;
        };
        match kind {
            0 => drop(coroutine),
            1 | 2 if kind == 1 || self.world.grown(id) > 0 => {
                coroutine.unwind();
                ensure!(coroutine.is_complete(), "unwound, and not complete");
                self.world.put(slot, Entry { coroutine, id });
            }
            // Not with stacks that it has grown, which would be leaked.
            2 => {
                self.world.abandon(id);
                // SAFETY: (1) it was in its slot, so it is not running. (2) No frame lends anything. (3) The locals in
                // its frames are numbers.
                let stack = unsafe { coroutine.abandon() };
                self.world.kept.borrow_mut().push(stack);
            }
            _ => match (coroutine.is_complete(), coroutine.into_stack()) {
                (true, Ok(stack)) => self.world.kept.borrow_mut().push(stack),
                (false, Err(coroutine)) => self.world.put(slot, Entry { coroutine, id }),
                (complete, _) => fail(&format!("into_stack of one that is complete: {complete}")),
            },
        }
    }

    fn look(&self) {
        let (slot, kind) = (self.slot(), self.world.bytes.below(6));
        let Some(Entry { coroutine, id }) = self.world.slots.take(slot) else {
            return;
        };
        ensure!(coroutine.status() != Status::Running, "it runs in its slot");
        match kind {
            0 => drop(coroutine.backtrace()),
            1 => {
                coroutine.release_unused();
            }
            2 => ensure!(coroutine.high_water_mark() <= 2 << 20, "more than there is"),
            3 => coroutine.prefetch(),
            4 => {
                let name = coroutine.name().map(str::parse);
                ensure!(name.is_none_or(|name| name == Ok(id)), "another name");
            }
            _ => ensure!(format!("{coroutine:?}").contains("Coroutine"), "no name"),
        }
        self.world.put(slot, Entry { coroutine, id });
    }

    fn swap(&self) {
        let (one, other) = (self.slot(), self.slot());
        self.world.slots.swap(one, other);
    }
}

/// Its destructor uses coroutines: one that it finishes, and one that it does not.
struct ResumingDestructor;

impl Drop for ResumingDestructor {
    fn drop(&mut self) {
        let mut sums = Coroutine::new(|handle: &SuspendHandle<u32, u32>, first: u32| {
            let second = handle.suspend(first + 1);
            first + second
        });
        ensure!(sums.resume(3).yielded() == Some(4), "in a destructor");
        ensure!(sums.resume(4).complete() == Some(7), "in a destructor");
        let mut items = coro::iter(|handle| (10..20).for_each(|n| handle.suspend(n)));
        ensure!(items.next() == Some(10), "in a destructor");
    }
}
