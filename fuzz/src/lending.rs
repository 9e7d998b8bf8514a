//! Scripts that are lent a world: they use it, lend it on to scripts of their own, are refused to suspend while they use it,
//! panic in the middle, and are dropped where they stand.

use crate::bytes::Bytes;
use crate::expected::{Expected, assert_expected, assert_message, ensure, fail};
use coro::{CoroutineState, LendingCoroutine, LendingHandle, is_forced_unwind};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use testing::{Counted, Drops};

type Script = LendingCoroutine<World, u32, u32>;
type Handle = LendingHandle<World, u32>;

const MOST_CALLS: usize = 5;
const MOST_STACKS: usize = 8;
const MOST_SCRIPTS: usize = 4;

/// What is lent. Each use changes it, and so does the model.
struct World {
    uses: u32,
    pile: Vec<u32>,
}

pub(crate) fn run(bytes: &[u8]) {
    let program = Rc::new(Program {
        bytes: Bytes::new(bytes),
        crossing: Cell::new(0),
        uses: Cell::new(0),
        drops: Drops::new(),
        stacks: Cell::new(0),
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
            0 | 1 if scripts.len() < MOST_SCRIPTS => scripts.push(Owned::new(&program)),
            2 if !scripts.is_empty() => {
                let which = program.bytes.below(scripts.len());
                drop(scripts.swap_remove(which));
            }
            3 if !scripts.is_empty() => {
                let which = program.bytes.below(scripts.len());
                scripts.swap_remove(which).give_stack();
            }
            _ if !scripts.is_empty() => {
                let which = program.bytes.below(scripts.len());
                let world = &mut worlds[usize::from(byte >> 7)];
                let script = &mut scripts[which];
                let result = catch_unwind(AssertUnwindSafe(|| script.resume(&program, world)));
                if let Err(payload) = result {
                    assert_expected(&*payload, program.crossing.get());
                }
            }
            _ => {}
        }
    }
    drop(scripts);
    let uses: u32 = worlds.iter().map(|world| world.uses).sum();
    ensure!(
        uses == program.uses.get(),
        "{uses} uses, not {}",
        program.uses.get()
    );
    ensure!(program.drops.alive() == 0, "values live at the end");
    ensure!(
        program.stacks.get() == 0,
        "stacks upon each other at the end"
    );
}

struct Program {
    bytes: Bytes,
    crossing: Cell<u32>,
    /// Of all worlds.
    uses: Cell<u32>,
    drops: Drops,
    stacks: Cell<usize>,
}

impl Program {
    fn send(&self) -> u32 {
        self.crossing.set(self.crossing.get() + 1);
        self.crossing.get()
    }

    /// One use of a world.
    fn touch(&self, world: &mut World) {
        world.uses += 1;
        self.uses.set(self.uses.get() + 1);
        match world.pile.len() {
            100.. => world.pile.clear(),
            _ => world.pile.push(world.uses),
        }
    }
}

/// A script, and whether it is being resumed, which its destructors know.
struct Owned {
    script: Script,
    resumed: Rc<Cell<bool>>,
}

impl Owned {
    fn new(program: &Rc<Program>) -> Owned {
        let resumed = Rc::new(Cell::new(false));
        let own = (Rc::clone(program), Rc::clone(&resumed));
        let captured = program.drops.make();
        let script = LendingCoroutine::new(move |handle: &Handle| {
            let _captured = captured;
            let call = Call {
                program: &own.0,
                handle,
                resumed: &own.1,
                uses: false,
                calls: 0,
            };
            call.run(None);
            own.0.send()
        });
        Owned { script, resumed }
    }

    /// Panics as the script does.
    fn resume(&mut self, program: &Program, world: &mut World) {
        /// Ends the resume, also by a panic.
        struct Ends<'a>(&'a Cell<bool>, &'a Program);
        impl Drop for Ends<'_> {
            fn drop(&mut self) {
                self.0.set(false);
                self.1.stacks.set(self.1.stacks.get() - 1);
            }
        }
        if program.stacks.get() >= MOST_STACKS {
            return;
        }
        program.stacks.set(program.stacks.get() + 1);
        let complete = self.script.is_complete();
        self.resumed.set(true);
        let ends = Ends(&self.resumed, program);
        let result = self.script.try_resume(world);
        drop(ends);
        match result {
            Ok(CoroutineState::Yielded(value) | CoroutineState::Complete(value)) => {
                ensure!(!complete, "a complete script was resumed");
                let sent = program.crossing.get();
                ensure!(value == sent, "{value} has arrived, not {sent}");
            }
            Err(_) => ensure!(complete, "a resume was refused"),
        }
    }

    fn give_stack(self) {
        let complete = self.script.is_complete();
        match (complete, self.script.into_stack()) {
            (true, Ok(stack)) => drop(stack),
            (false, Err(script)) => drop(script),
            _ => fail(&format!("into_stack of one, complete: {complete}")),
        }
    }
}

/// Uses the world when it goes, if there is one.
struct Visitor<'a>(Call<'a>, #[expect(dead_code, reason = "counted")] Counted);

impl Drop for Visitor<'_> {
    fn drop(&mut self) {
        let call = self.0;
        let lent = call.handle.try_with(|world| call.program.touch(world));
        let expected = call.resumed.get() && !call.uses;
        ensure!(
            lent.is_some() == expected,
            "a destructor was lent: {}",
            !expected
        );
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Exit {
    Leave,
    Finish,
}

/// A call of a script.
#[derive(Clone, Copy)]
struct Call<'a> {
    program: &'a Rc<Program>,
    handle: &'a Handle,
    resumed: &'a Rc<Cell<bool>>,
    /// Inside of `with`.
    uses: bool,
    calls: usize,
}

impl Call<'_> {
    /// Inside of `with` there is the world.
    fn run(self, mut world: Option<&mut World>) -> Exit {
        let mut scripts: Vec<Owned> = Vec::new();
        while let Some(byte) = self.program.bytes.next() {
            match byte % 14 {
                0..3 => {
                    if self.with() == Exit::Finish {
                        return Exit::Finish;
                    }
                }
                3..6 => self.suspend(),
                6 => {
                    let _visitor = Visitor(self, self.program.drops.make());
                    if self.deeper(world.as_deref_mut()) == Exit::Finish {
                        return Exit::Finish;
                    }
                }
                7 => {
                    let inner = AssertUnwindSafe(|| self.deeper(world.as_deref_mut()));
                    match catch_unwind(inner) {
                        Ok(Exit::Finish) => return Exit::Finish,
                        Ok(Exit::Leave) => {}
                        Err(payload) if is_forced_unwind(&*payload) => resume_unwind(payload),
                        Err(payload) => assert_expected(&*payload, self.program.crossing.get()),
                    }
                }
                8 => return Exit::Leave,
                9 => return Exit::Finish,
                10 => resume_unwind(Box::new(Expected(self.program.send()))),
                11 if scripts.len() < MOST_SCRIPTS => scripts.push(Owned::new(self.program)),
                12 => drop(scripts.pop()),
                _ => {
                    if let (Some(world), Some(script)) = (&mut world, scripts.last_mut()) {
                        self.program.touch(world);
                        script.resume(self.program, world);
                    }
                }
            }
        }
        Exit::Finish
    }

    fn deeper(self, world: Option<&mut World>) -> Exit {
        if self.calls >= MOST_CALLS {
            return Exit::Leave;
        }
        let calls = self.calls + 1;
        Call { calls, ..self }.run(world)
    }

    fn with(self) -> Exit {
        if self.uses {
            let refused = catch_unwind(AssertUnwindSafe(|| self.handle.with(|_| ())));
            match refused {
                Err(payload) => assert_message(&*payload, "inside of `with`"),
                Ok(()) => fail("two uses at a time"),
            }
            return Exit::Leave;
        }
        self.handle.with(|world| {
            self.program.touch(world);
            Call { uses: true, ..self }.deeper(Some(world))
        })
    }

    fn suspend(self) {
        if !self.uses {
            self.handle.suspend(self.program.send());
            return;
        }
        let refused = catch_unwind(AssertUnwindSafe(|| self.handle.suspend(0)));
        match refused {
            Err(payload) => assert_message(&*payload, "inside of `with`"),
            Ok(()) => fail("suspended while it uses what is lent"),
        }
    }
}
