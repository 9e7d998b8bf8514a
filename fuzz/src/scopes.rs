//! Scopes in coroutines in scopes: coroutines that borrow from the frame of their scope are resumed, dropped, leaked, unwound,
//! delegated to, and left behind by panics. What they borrow must be there to the last, and all of them must be gone when it goes.

use crate::bytes::Bytes;
use crate::calls::{Exit, Stacks, caught};
use crate::crossing::Crossing;
use crate::expected::{Expected, assert_message, ensure, fail};
use coro::{Scope, ScopedCoroutine, SuspendHandle};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

type Handle = SuspendHandle<u32, u32>;
type Scoped<'scope> = ScopedCoroutine<'scope, u32, u32, u32>;

const MOST_CALLS: usize = 5;
/// Stacks upon each other: each may hold as many calls.
const MOST_STACKS: usize = 8;
const MOST_COROUTINES: usize = 5;

pub(crate) fn run(bytes: &[u8]) {
    let program = Program {
        bytes: Bytes::new(bytes),
        crossing: Crossing::default(),
        borrowed: Cell::new(0),
        locals: Cell::new(0),
        stacks: Stacks::default(),
    };
    let call = Call {
        program: &program,
        handle: None,
        calls: 0,
    };
    while program.bytes.next().is_some() {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| call.run(None))) {
            program.crossing.panicked(&*payload);
        }
        ensure!(
            program.borrowed.get() == 0,
            "coroutines outlive their scope"
        );
    }
    ensure!(program.locals.get() == 0, "locals that were not dropped");
}

struct Program {
    bytes: Bytes,
    crossing: Crossing,
    /// Closures that borrow and live.
    borrowed: Cell<u32>,
    locals: Cell<u32>,
    stacks: Stacks,
}

/// What a scope's frame lends.
struct Lent {
    canary: Cell<u64>,
    users: Cell<u32>,
}

const CANARY: u64 = 0x0B57_AC1E_5EED_BEEF;

impl Drop for Lent {
    fn drop(&mut self) {
        ensure!(
            self.users.get() == 0,
            "something borrowed is used by {}",
            self.users.get()
        );
        self.canary.set(0);
    }
}

/// The use of what is borrowed, for as long as a closure lives.
struct Use<'a>(&'a Lent, &'a Program);

impl<'a> Use<'a> {
    fn new(lent: &'a Lent, program: &'a Program) -> Use<'a> {
        lent.users.set(lent.users.get() + 1);
        program.borrowed.set(program.borrowed.get() + 1);
        Use(lent, program)
    }

    fn check(&self) {
        ensure!(self.0.canary.get() == CANARY, "what is borrowed is gone");
    }
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        self.check();
        self.0.users.set(self.0.users.get() - 1);
        self.1.borrowed.set(self.1.borrowed.get() - 1);
    }
}

/// Counted, in the frames of calls.
struct Local<'a>(&'a Program);

impl<'a> Local<'a> {
    fn new(program: &'a Program) -> Local<'a> {
        program.locals.set(program.locals.get() + 1);
        Local(program)
    }
}

impl Drop for Local<'_> {
    fn drop(&mut self) {
        self.0.locals.set(self.0.locals.get() - 1);
    }
}

/// A scope that is open in a call, with its coroutines.
struct Open<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    lent: &'scope Lent,
    coroutines: Vec<Scoped<'scope>>,
}

#[derive(Clone, Copy)]
struct Call<'p, 'h> {
    program: &'p Program,
    handle: Option<&'h Handle>,
    calls: usize,
}

impl<'p> Call<'p, '_> {
    fn run<'scope>(self, mut open: Option<Open<'scope, '_>>) -> Exit
    where
        'p: 'scope,
    {
        while let Some(byte) = self.program.bytes.next() {
            match byte % 16 {
                0..3 => {
                    if self.scope() == Exit::Finish {
                        return Exit::Finish;
                    }
                }
                3..5 => self.suspend(),
                5 => {
                    let _local = Local::new(self.program);
                    if self.deeper(None) == Exit::Finish {
                        return Exit::Finish;
                    }
                }
                6 => {
                    if self.catch() == Exit::Finish {
                        return Exit::Finish;
                    }
                }
                7 => return Exit::Leave,
                8 => return Exit::Finish,
                9 => resume_unwind(Box::new(Expected(self.program.crossing.send()))),
                act => {
                    if let Some(open) = &mut open {
                        self.with_scope(act, open);
                    }
                }
            }
        }
        Exit::Finish
    }

    fn deeper<'scope>(self, open: Option<Open<'scope, '_>>) -> Exit
    where
        'p: 'scope,
    {
        if self.calls >= MOST_CALLS {
            return Exit::Leave;
        }
        let calls = self.calls + 1;
        Call { calls, ..self }.run(open)
    }

    fn scope(self) -> Exit {
        let lent = Lent {
            canary: Cell::new(CANARY),
            users: Cell::new(0),
        };
        let exit = coro::scope(|scope| {
            self.deeper(Some(Open {
                scope,
                lent: &lent,
                coroutines: Vec::new(),
            }))
        });
        ensure!(
            lent.users.get() == 0,
            "a scope has ended before its coroutines"
        );
        exit
    }

    fn suspend(&self) {
        if let Some(handle) = self.handle {
            let input = handle.suspend(self.program.crossing.send());
            self.program.crossing.arrived(input, "an input");
        }
    }

    fn catch(self) -> Exit {
        caught(&self.program.crossing, || self.deeper(None))
    }

    fn with_scope<'scope>(&self, act: u8, open: &mut Open<'scope, '_>)
    where
        'p: 'scope,
    {
        let program = self.program;
        if act < 12 {
            if open.coroutines.len() < MOST_COROUTINES {
                self.create(open);
            }
            return;
        }
        if open.coroutines.is_empty() {
            return;
        }
        let which = program.bytes.below(open.coroutines.len());
        match act {
            12 | 13 => {
                let mut coroutine = open.coroutines.swap_remove(which);
                self.resume(&mut coroutine);
                open.coroutines.push(coroutine);
            }
            14 => self.delegate(&mut open.coroutines[which]),
            _ => {
                let mut coroutine = open.coroutines.swap_remove(which);
                match program.bytes.below(8) {
                    // The scope unwinds it.
                    3 if crate::may_leak() => std::mem::forget(coroutine),
                    0..4 => drop(coroutine),
                    4 | 5 => {
                        coroutine.unwind();
                        ensure!(coroutine.is_complete(), "unwound, and not complete");
                        open.coroutines.push(coroutine);
                    }
                    _ => match (coroutine.is_complete(), coroutine.into_stack()) {
                        (true, Ok(stack)) => drop(stack),
                        (false, Err(coroutine)) => open.coroutines.push(coroutine),
                        (complete, _) => fail(&format!("into_stack of one, complete: {complete}")),
                    },
                }
            }
        }
    }

    fn create<'scope>(&self, open: &mut Open<'scope, '_>)
    where
        'p: 'scope,
    {
        let program = self.program;
        let used = Use::new(open.lent, program);
        let (scope, lent) = (open.scope, open.lent);
        let inherits = program.bytes.flag();
        let coroutine = scope.coroutine(move |handle: &Handle, first: u32| {
            used.check();
            program.crossing.arrived(first, "the first input");
            let call = Call {
                program,
                handle: Some(handle),
                calls: 0,
            };
            // It may go on with the scope that it is in: create more there, which it owns.
            let open = inherits.then(|| Open {
                scope,
                lent,
                coroutines: Vec::new(),
            });
            let _local = Local::new(program);
            call.run(open);
            used.check();
            program.crossing.send()
        });
        open.coroutines.push(coroutine);
    }

    fn resume(&self, coroutine: &mut Scoped<'_>) {
        let program = self.program;
        let guard = program.bytes.flag();
        let Some(_upon) = program.stacks.upon(MOST_STACKS) else {
            return;
        };
        let complete = coroutine.is_complete();
        let input = program.crossing.send();
        let mut resume = || coroutine.try_resume(input);
        let result = match guard {
            true => catch_unwind(AssertUnwindSafe(resume)),
            false => Ok(resume()),
        };
        let ended = coroutine.is_complete();
        program.crossing.resumed(result, complete, ended);
    }

    fn delegate(&self, inner: &mut Scoped<'_>) {
        let Some(handle) = self.handle else {
            return;
        };
        // Counted while the inner one runs for the first time only: from then on this coroutine may be suspended.
        if self.program.stacks.count() + 1 >= MOST_STACKS {
            return;
        }
        let input = self.program.crossing.send();
        if inner.is_complete() {
            let refused = catch_unwind(AssertUnwindSafe(|| handle.delegate(inner, input)));
            match refused {
                Err(payload) => assert_message(&*payload, "complete"),
                Ok(_) => fail("delegated to a complete coroutine"),
            }
            return;
        }
        let returned = handle.delegate(inner, input);
        self.program.crossing.arrived(returned, "delegated");
    }
}
