//! Scripts that are lent a world: they use it, lend it on to scripts of their own, in scopes or not, are refused to suspend while
//! they use it, panic in the middle, and are dropped where they stand.

mod lends;
mod script;

use crate::bytes::Bytes;
use crate::calls::{Exit, Stacks, Upon, caught};
use crate::crossing::Crossing;
use crate::expected::{Expected, assert_message, ensure, fail};
use lends::Lends;
use script::{Open, Owned};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use sure_stack::{PooledStack, Stack};
use testing::{Counted, Drops};

const MOST_CALLS: usize = 5;
const MOST_SCRIPTS: usize = 4;
const MOST_STACKS: usize = 8;

/// What is lent. Each use changes it, and so does the model.
struct World {
    uses: u32,
    pile: Vec<u32>,
}

pub(crate) fn run(bytes: &[u8]) {
    let program = Rc::new(Program {
        bytes: Bytes::new(bytes),
        crossing: Crossing::default(),
        uses: Cell::new(0),
        drops: Drops::new(),
        stacks: Stacks::default(),
        kept: RefCell::new(Vec::new()),
    });
    let mut scripts = Vec::new();
    let mut worlds = [const {
        World {
            uses: 0,
            pile: Vec::new(),
        }
    }; 2];
    while let Some(byte) = program.bytes.next() {
        match byte % 8 {
            0 | 1 if scripts.len() < MOST_SCRIPTS => scripts.push(Owned::new(&program, None)),
            2 | 3 if !scripts.is_empty() => {
                let which = program.bytes.below(scripts.len());
                let script = scripts.swap_remove(which);
                scripts.extend(script.end(&program));
            }
            _ if !scripts.is_empty() => {
                let which = program.bytes.below(scripts.len());
                let world = &mut worlds[usize::from(byte >> 7)];
                let script = &mut scripts[which];
                let result = catch_unwind(AssertUnwindSafe(|| script.resume(&program, world)));
                if let Err(payload) = result {
                    program.crossing.panicked(&*payload);
                }
            }
            _ => {}
        }
    }
    drop(scripts);
    let uses: u32 = worlds.iter().map(|world| world.uses).sum();
    let expected = program.uses.get();
    ensure!(uses == expected, "{uses} uses, not {expected}");
    ensure!(program.drops.alive() == 0, "values live at the end");
    let stacks = program.stacks.count();
    ensure!(stacks == 0, "{stacks} stacks upon each other at the end");
}

struct Program {
    bytes: Bytes,
    crossing: Crossing,
    /// Of all worlds.
    uses: Cell<u32>,
    drops: Drops,
    stacks: Stacks,
    /// Stacks that were given back, for the next scripts.
    kept: RefCell<Vec<Box<dyn Stack>>>,
}

impl Program {
    /// One use of a world.
    fn touch(&self, world: &mut World) {
        world.uses += 1;
        self.uses.set(self.uses.get() + 1);
        match world.pile.len() {
            100.. => world.pile.clear(),
            _ => world.pile.push(world.uses),
        }
    }

    fn stack(&self) -> Box<dyn Stack> {
        let kept = self.kept.borrow_mut().pop();
        kept.unwrap_or_else(|| Box::new(PooledStack::new().expect("a stack")))
    }

    /// One more stack upon the others, until that is dropped.
    fn upon(&self) -> Option<Upon<'_>> {
        self.stacks.upon(MOST_STACKS)
    }

    fn keep(&self, stack: Box<dyn Stack>) {
        self.kept.borrow_mut().push(stack);
    }
}

/// Uses the world when it goes, if there is one.
struct Visitor<'a>(Call<'a>, #[expect(dead_code, reason = "counted")] Counted);

impl Drop for Visitor<'_> {
    fn drop(&mut self) {
        let call = self.0;
        let lent = call.handle.try_with(&mut |world| call.program.touch(world));
        let expected = call.resumed.get() && !call.uses;
        ensure!(lent == expected, "a destructor was lent: {lent}");
    }
}

/// A call of a script.
#[derive(Clone, Copy)]
struct Call<'a> {
    program: &'a Rc<Program>,
    handle: &'a dyn Lends,
    resumed: &'a Rc<Cell<bool>>,
    /// Inside of `with`.
    uses: bool,
    /// Not on the resumer's.
    own_stack: bool,
    calls: usize,
}

impl Call<'_> {
    /// Inside of `with` there is the world.
    fn run<'scope>(self, mut world: Option<&mut World>, open: Option<Open<'scope, '_>>) -> Exit {
        let mut scripts: Vec<Owned<'scope>> = Vec::new();
        while let Some(byte) = self.program.bytes.next() {
            let mut exit = Exit::Leave;
            match byte % 18 {
                0..3 => exit = self.with(),
                3..6 => exit = self.suspend(byte),
                6 => {
                    let _visitor = Visitor(self, self.program.drops.make());
                    exit = self.deeper(world.as_deref_mut(), None);
                }
                7 => exit = self.catch(world.as_deref_mut()),
                8 => return Exit::Leave,
                9 => return Exit::Finish,
                10 => resume_unwind(Box::new(Expected(self.program.crossing.send()))),
                11 | 12 if scripts.len() < MOST_SCRIPTS => {
                    scripts.push(Owned::new(self.program, open));
                }
                13 => {
                    let script = scripts.pop();
                    scripts.extend(script.and_then(|script| script.end(self.program)));
                }
                14 => exit = self.scope(world.as_deref_mut()),
                15 => self.on_parent_stack(world.as_deref_mut()),
                _ => {
                    if let (Some(world), Some(script)) = (&mut world, scripts.last_mut()) {
                        self.program.touch(world);
                        script.resume(self.program, world);
                    }
                }
            }
            if exit == Exit::Finish {
                return Exit::Finish;
            }
        }
        Exit::Finish
    }

    fn deeper(self, world: Option<&mut World>, open: Option<Open<'_, '_>>) -> Exit {
        if self.calls >= MOST_CALLS {
            return Exit::Leave;
        }
        let calls = self.calls + 1;
        Call { calls, ..self }.run(world, open)
    }

    fn catch(self, world: Option<&mut World>) -> Exit {
        caught(&self.program.crossing, || self.deeper(world, None))
    }

    fn scope(self, world: Option<&mut World>) -> Exit {
        let users = Cell::new(0);
        let exit = coro::scope(|scope| {
            let users = &users;
            self.deeper(world, Some(Open { scope, users }))
        });
        ensure!(users.get() == 0, "a scope has ended before its scripts");
        exit
    }

    /// A call on the resumer's stack, where it may use the world, but not suspend.
    fn on_parent_stack(self, mut world: Option<&mut World>) {
        if let (true, Some(_upon)) = (self.own_stack, self.program.upon()) {
            let call = Call {
                own_stack: false,
                ..self
            };
            self.handle.on_parent_stack(&mut || {
                call.deeper(world.as_deref_mut(), None);
            });
        }
    }

    fn with(self) -> Exit {
        if self.uses {
            let refused = catch_unwind(AssertUnwindSafe(|| self.handle.with(&mut |_| ())));
            match refused {
                Err(payload) => assert_message(&*payload, "inside of `with`"),
                Ok(()) => fail("two uses at a time"),
            }
            return Exit::Leave;
        }
        let mut exit = Exit::Leave;
        self.handle.with(&mut |world| {
            self.program.touch(world);
            exit = Call { uses: true, ..self }.deeper(Some(world), None);
        });
        exit
    }

    fn suspend(self, byte: u8) -> Exit {
        if self.uses || !self.own_stack {
            let refused = catch_unwind(AssertUnwindSafe(|| self.handle.suspend(0)));
            let reason = match self.uses {
                true => "inside of `with`",
                false => "not run on its own stack",
            };
            match refused {
                Err(payload) => assert_message(&*payload, reason),
                Ok(()) => fail("suspended while it uses what is lent, or on another stack"),
            }
            return Exit::Leave;
        }
        let value = self.program.crossing.send();
        if byte < 0x80 {
            self.handle.suspend(value);
            return Exit::Leave;
        }
        let Err(unwind) = self.handle.try_suspend(value) else {
            return Exit::Leave;
        };
        let lent = self.handle.try_with(&mut |_| ());
        let again = self.handle.try_suspend(value);
        ensure!(
            !lent && again.is_err(),
            "lent or suspended while it is dropped"
        );
        match byte & 0x40 {
            0 => unwind.resume(),
            // Swallowed: it returns.
            _ => Exit::Finish,
        }
    }
}
