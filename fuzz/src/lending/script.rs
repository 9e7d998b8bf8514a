//! Scripts of every form: on pooled stacks and given ones, of a scope or not, lent a world or a slice of one.

use super::lends::Lends;
use super::{Call, Program, World};
use crate::expected::{ensure, fail};
use coro::{Coroutine, CoroutineState, LendingCoroutine, LendingHandle, Scope};
use coro::{ScopedLendingCoroutine, Status};
use std::cell::Cell;
use std::rc::Rc;
use std::slice;
use sure_stack::Stack;
use testing::Counted;

type Given = Box<dyn Stack>;
type Lending<L, S> = LendingCoroutine<L, u32, u32, S>;
type Scoped<'scope, L, S> = ScopedLendingCoroutine<'scope, L, u32, u32, S>;

/// What is lent is a reference of one word, or of two, which crosses otherwise.
enum Form<'scope> {
    Pooled(Lending<World, coro::DefaultStack>),
    Slice(Lending<[World], coro::DefaultStack>),
    Given(Lending<World, Given>),
    Scoped(Scoped<'scope, World, coro::DefaultStack>),
    ScopedGiven(Scoped<'scope, [World], Given>),
}

/// The same for each form.
macro_rules! each {
    ($form:expr, $script:ident => $value:expr) => {
        match $form {
            Form::Pooled($script) => $value,
            Form::Slice($script) => $value,
            Form::Given($script) => $value,
            Form::Scoped($script) => $value,
            Form::ScopedGiven($script) => $value,
        }
    };
}

/// A scope that is open in a call, and what its frame lends to the closures of its scripts.
#[derive(Clone, Copy)]
pub(super) struct Open<'scope, 'env> {
    pub(super) scope: &'scope Scope<'scope, 'env>,
    /// How many closures of the scope live.
    pub(super) users: &'scope Cell<u32>,
}

struct User<'scope>(&'scope Cell<u32>);

impl<'scope> User<'scope> {
    fn new(users: &'scope Cell<u32>) -> User<'scope> {
        users.set(users.get() + 1);
        User(users)
    }
}

impl Drop for User<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// A script, and whether it is being resumed, which its destructors know.
pub(super) struct Owned<'scope> {
    form: Form<'scope>,
    name: Option<&'static str>,
    resumed: Rc<Cell<bool>>,
}

/// The body of a script.
struct Body {
    program: Rc<Program>,
    resumed: Rc<Cell<bool>>,
    _captured: Counted,
}

impl Body {
    fn run(&self, handle: &dyn Lends) -> u32 {
        let call = Call {
            program: &self.program,
            handle,
            resumed: &self.resumed,
            uses: false,
            own_stack: true,
            calls: 0,
        };
        call.run(None, None);
        match self.resumed.get() {
            true => self.program.crossing.send(),
            // It is dropped, and has swallowed that; the value goes nowhere.
            false => 0,
        }
    }
}

impl<'scope> Owned<'scope> {
    /// One of the scope, if there is one and the bytes want it.
    pub(super) fn new(program: &Rc<Program>, open: Option<Open<'scope, '_>>) -> Owned<'scope> {
        let resumed = Rc::new(Cell::new(false));
        let body = Body {
            program: Rc::clone(program),
            resumed: Rc::clone(&resumed),
            _captured: program.drops.make(),
        };
        let (kind, named) = (program.bytes.below(4), program.bytes.flag());
        let name = named.then_some("a script");
        let builder = || match name {
            Some(name) => Coroutine::builder().name(name),
            None => Coroutine::builder(),
        };
        const STACK: &str = "a stack";
        let form = match (kind, open) {
            (0, Some(open)) if name.is_none() => {
                let user = User::new(open.users);
                Form::Scoped(
                    open.scope
                        .lending(move |handle: &LendingHandle<World, u32>| {
                            let _user = user;
                            body.run(handle)
                        }),
                )
            }
            (0 | 1, Some(open)) => {
                let user = User::new(open.users);
                let script = move |handle: &LendingHandle<[World], u32>| {
                    let _user = user;
                    body.run(handle)
                };
                let builder = builder().stack(program.stack());
                Form::ScopedGiven(
                    builder
                        .build_scoped_lending(open.scope, script)
                        .expect(STACK),
                )
            }
            (0 | 1, None) if name.is_none() => {
                let script = move |handle: &LendingHandle<World, u32>| body.run(handle);
                Form::Given(LendingCoroutine::with_stack(program.stack(), script))
            }
            (2, _) => {
                let script = move |handle: &LendingHandle<[World], u32>| body.run(handle);
                Form::Slice(builder().build_lending(script).expect(STACK))
            }
            _ => {
                let script = move |handle: &LendingHandle<World, u32>| body.run(handle);
                Form::Pooled(builder().build_lending(script).expect(STACK))
            }
        };
        Owned {
            form,
            name,
            resumed,
        }
    }

    fn is_complete(&self) -> bool {
        each!(&self.form, script => script.is_complete())
    }

    /// Panics as the script does.
    pub(super) fn resume(&mut self, program: &Program, world: &mut World) {
        /// Ends the resume, also by a panic.
        struct Ends<'a>(&'a Cell<bool>);
        impl Drop for Ends<'_> {
            fn drop(&mut self) {
                self.0.set(false);
            }
        }
        let Some(_upon) = program.upon() else {
            return;
        };
        let complete = self.is_complete();
        self.resumed.set(true);
        let ends = Ends(&self.resumed);
        let result = match &mut self.form {
            Form::Pooled(script) => script.try_resume(world),
            Form::Slice(script) => script.try_resume(slice::from_mut(world)),
            Form::Given(script) => script.try_resume(world),
            Form::Scoped(script) => script.try_resume(world),
            Form::ScopedGiven(script) => script.try_resume(slice::from_mut(world)),
        };
        drop(ends);
        match result {
            Ok(CoroutineState::Yielded(value) | CoroutineState::Complete(value)) => {
                ensure!(!complete, "a complete script was resumed");
                program.crossing.arrived(value, "yielded or returned");
            }
            Err(_) => ensure!(complete, "a resume was refused"),
        }
    }

    /// Ends it, or looks at it: in one of many ways. It comes back if it is still there.
    pub(super) fn end(mut self, program: &Program) -> Option<Owned<'scope>> {
        match program.bytes.below(8) {
            0..3 => drop(self),
            3 | 4 => {
                each!(&mut self.form, script => script.unwind());
                ensure!(self.is_complete(), "unwound, and not complete");
                return Some(self);
            }
            // The scope unwinds it.
            5 if crate::may_leak()
                && matches!(self.form, Form::Scoped(_) | Form::ScopedGiven(_)) =>
            {
                std::mem::forget(self);
            }
            6 => {
                let status = each!(&self.form, script => script.status());
                let complete = status == Status::Complete;
                ensure!(
                    complete == self.is_complete() && status != Status::Running,
                    "{status:?}"
                );
                let name = each!(&self.form, script => script.name());
                ensure!(name == self.name, "{name:?}, not {:?}", self.name);
                each!(&self.form, script => script.release_unused());
                return Some(self);
            }
            _ => return self.give_stack(program),
        }
        None
    }

    fn give_stack(self, program: &Program) -> Option<Owned<'scope>> {
        let complete = self.is_complete();
        let Owned {
            form,
            name,
            resumed,
        } = self;
        let kept = match form {
            Form::Pooled(script) => script.into_stack().map(drop).map_err(Form::Pooled),
            Form::Slice(script) => script.into_stack().map(drop).map_err(Form::Slice),
            Form::Scoped(script) => script.into_stack().map(drop).map_err(Form::Scoped),
            Form::Given(script) => script
                .into_stack()
                .map(|stack| program.keep(stack))
                .map_err(Form::Given),
            Form::ScopedGiven(script) => script
                .into_stack()
                .map(|stack| program.keep(stack))
                .map_err(Form::ScopedGiven),
        };
        match (complete, kept) {
            (true, Ok(())) => None,
            (false, Err(form)) => Some(Owned {
                form,
                name,
                resumed,
            }),
            _ => fail(&format!("into_stack of one, complete: {complete}")),
        }
    }
}
