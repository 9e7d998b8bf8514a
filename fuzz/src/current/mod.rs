//! Coroutines that find themselves: no code in them is given a handle. On every stack, however it is reached (a coroutine's own, a
//! grown one, the resumer's, one of nobody), the handle, the name and the values that are found there must be the model's: those of
//! the coroutine whose stack it is, if it is findable. And its values go when it goes, in the order in which they were made.

mod values;
mod world;

use crate::calls::{Exit, caught};
use crate::expected::{Expected, ensure, fail};
use coro::{Builder, with_current};
use coro::{Coroutine, SuspendHandle, current_name, is_forced_unwind};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use sure_stack::{PooledStack, Stack};
use values::{KEYS, ask};
use world::{Entry, MOST_CALLS, One, SLOTS, Upon, World, world};

type Any = Coroutine<u32, u32, u32, Box<dyn Stack>>;
type Handle = SuspendHandle<u32, u32>;

pub(crate) fn run(bytes: &[u8]) {
    let world = world();
    world.begin(bytes);
    while world.bytes.next().is_some() {
        let program = AssertUnwindSafe(|| Call::new(&world, None).run());
        if let Err(payload) = catch_unwind(program) {
            world.crossing.panicked(&*payload);
        }
    }
    world.end();
}

/// A call that does what the bytes say.
#[derive(Clone, Copy)]
struct Call<'w> {
    world: &'w World,
    /// The coroutine on whose stack it stands.
    place: Option<usize>,
    /// Calls below it.
    calls: usize,
}

impl<'w> Call<'w> {
    fn new(world: &'w World, place: Option<usize>) -> Call<'w> {
        let calls = 0;
        Call {
            world,
            place,
            calls,
        }
    }

    fn run(self) -> Exit {
        while let Some(byte) = self.world.bytes.next() {
            let mut exit = Exit::Leave;
            match byte % 18 {
                0..3 => self.create(),
                3..6 => self.resume(),
                6 | 7 => self.suspend(),
                8 | 9 => exit = self.call(byte),
                10 | 11 => self.elsewhere(),
                12 => return Exit::Leave,
                13 => return Exit::Finish,
                14 => resume_unwind(Box::new(Expected(self.world.crossing.send()))),
                15 => self.end_one(),
                _ => self.value(),
            }
            self.look();
            if exit == Exit::Finish {
                return Exit::Finish;
            }
        }
        Exit::Finish
    }

    /// The coroutine whose handle should be found here.
    fn typed(&self) -> Option<Rc<One>> {
        self.world.findable(self.place).filter(|one| one.typed)
    }

    /// Fails unless what is found here is what should be.
    fn look(&self) {
        let found = self.world.findable(self.place);
        let name = found.as_ref().and_then(|one| one.name.clone());
        let said = current_name();
        ensure!(said == name, "{said:?} is found, not {name:?}");
        let named = with_current(|handle: &Handle| handle.name().map(String::from));
        let expected = self.typed().map(|one| one.name.clone());
        ensure!(
            named == expected,
            "handle {named:?} is found, not {expected:?}"
        );
        let other = with_current(|_: &SuspendHandle<u64, u32>| ());
        ensure!(other.is_none(), "a handle of another type is found");
    }

    fn slot(&self) -> usize {
        self.world.bytes.below(SLOTS)
    }

    fn create(&self) {
        let (slot, options) = (self.slot(), self.world.bytes.below(256));
        let one = One {
            // Most are.
            findable: options & 7 != 0,
            typed: options & 8 == 0,
            name: (options & 16 != 0).then(|| format!("number {options}")),
            ..One::default()
        };
        let builder = Coroutine::builder().stack(self.world.stack());
        let builder = match &one.name {
            Some(name) => builder.name(name.as_str()),
            None => builder,
        };
        let builder = match one.findable {
            true => builder.findable(),
            false => builder,
        };
        let typed = one.typed;
        let id = self.world.add(one);
        let coroutine = build(builder, typed, id);
        self.world.put(slot, Entry { coroutine, id }, self.place);
    }

    fn resume(&self) {
        let (slot, guard) = (self.slot(), self.world.bytes.flag());
        let Some(upon) = Upon::new(self.world, self.place) else {
            return;
        };
        let Some(mut entry) = self.world.slots.take(slot) else {
            return;
        };
        let complete = entry.coroutine.is_complete();
        self.world.one(entry.id).resumer.set(self.place);
        let input = self.world.crossing.send();
        let resume = AssertUnwindSafe(|| entry.coroutine.try_resume(input));
        let result = catch_unwind(resume);
        drop(upon);
        let ended = entry.coroutine.is_complete();
        self.world.put(slot, entry, self.place);
        match result {
            // It has suspended this coroutine on this stack, which is being dropped now.
            Err(payload) if is_forced_unwind(&*payload) => resume_unwind(payload),
            result => {
                let panic = self.world.crossing.resumed(result, complete, ended);
                if let Some(payload) = panic.filter(|_| !guard) {
                    resume_unwind(payload);
                }
            }
        }
    }

    /// Suspends the coroutine on whose stack this stands, and with it the one that has called here, if it is another.
    fn suspend(&self) {
        if self.typed().is_some() {
            let value = self.world.crossing.send();
            let input = with_current(|handle: &Handle| handle.suspend(value));
            self.world
                .crossing
                .arrived(input.expect("it was found before"), "an input");
        }
    }

    fn deeper(self, place: Option<usize>) -> Exit {
        let calls = self.calls + 1;
        match calls > MOST_CALLS {
            true => Exit::Leave,
            false => Call {
                place,
                calls,
                ..self
            }
            .run(),
        }
    }

    fn call(self, byte: u8) -> Exit {
        match byte >> 6 {
            0 => self.deeper(self.place),
            1 | 2 => {
                let _looks = Looks(self.place);
                self.deeper(self.place)
            }
            _ => caught(&self.world.crossing, || self.deeper(self.place)),
        }
    }

    /// A call on another stack.
    fn elsewhere(self) {
        let kind = self.world.bytes.below(4);
        let Some(_upon) = Upon::new(self.world, self.place) else {
            return;
        };
        match kind {
            0 => {
                let mut stack = PooledStack::new().expect("a stack");
                coro::on_stack(&mut stack, || self.deeper(None));
            }
            1 => {
                coro::grow(64 << 10, || self.deeper(self.place));
            }
            _ => {
                if let Some(one) = self.typed() {
                    let resumer = one.resumer.get();
                    with_current(|handle: &Handle| {
                        handle.on_parent_stack(|| self.deeper(resumer));
                    });
                }
            }
        }
    }

    fn value(&self) {
        let (key, kind) = (
            self.world.bytes.below(KEYS.len()),
            self.world.bytes.below(3),
        );
        ask(self.world, self.place, key, || match kind {
            0 => {}
            1 => self.suspend(),
            _ => ask(self.world, self.place, (key + 1) % KEYS.len(), || ()),
        });
    }

    fn end_one(&self) {
        let (slot, kind) = (self.slot(), self.world.bytes.below(4));
        let Some(Entry { mut coroutine, id }) = self.world.slots.take(slot) else {
            return;
        };
        let world = self.world;
        match kind {
            0 => world.discard(Entry { coroutine, id }, self.place),
            1 => {
                coroutine.unwind();
                world.put(slot, Entry { coroutine, id }, self.place);
            }
            2 if world.one(id).away.get() == 0 => {
                // SAFETY: (1) it was in its slot, so it is not running. (2) No frame lends anything, and no coroutine stands on
                // its stack: it is not away. (3) Its frames hold shares of the world, which is there as long as the thread.
                let abandon = || unsafe { coroutine.abandon() };
                let stack = world.ends(id, self.place, abandon);
                world.kept.borrow_mut().push(stack);
            }
            _ if coroutine.is_complete() => {
                match world.ends(id, self.place, || coroutine.into_stack()) {
                    Ok(stack) => world.kept.borrow_mut().push(stack),
                    Err(_) => fail("a complete coroutine has kept its stack"),
                }
            }
            _ => match coroutine.into_stack() {
                Ok(_) => fail("one that is not complete has given its stack"),
                Err(coroutine) => world.put(slot, Entry { coroutine, id }, self.place),
            },
        }
    }
}

fn build(builder: Builder<Box<dyn Stack>>, typed: bool, id: usize) -> Any {
    let captured = Looks(Some(id));
    let body = move |_: &Handle, first: u32| {
        let _captured = captured;
        let world = world();
        world.crossing.arrived(first, "the first input");
        Call::new(&world, Some(id)).run();
        world.crossing.send()
    };
    let built = match typed {
        true => builder.build(body),
        // SAFETY: (1, 2) it borrows nothing.
        false => unsafe { builder.build_unchecked(body) },
    };
    built.expect("the stack is large enough")
}

/// Looks around when it is dropped on that stack: also while the coroutine is being dropped. It makes a value there, if there is none.
struct Looks(Option<usize>);

impl Drop for Looks {
    fn drop(&mut self) {
        let world = world();
        let call = Call::new(&world, self.0);
        call.look();
        ask(&world, self.0, 0, || ());
    }
}
