//! What coroutines do: whatever the stage says is next, at any depth of calls.

use crate::frames::{Frame, Frames};
use crate::life::{self, Borrowed};
use crate::stage::{ASIDE, Call, Do, INPUT, Outcome, PARCEL, RETURNED, fail, next};
use crate::values::{
    Body, Byte, Cargo, Line, Page, Text, Three, Value, Void, VoidLine, Word, Words,
};
use coro::{Coroutine, CoroutineState, Scope, ScopedCoroutine, SuspendHandle, is_forced_unwind};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The way to suspend a coroutine of any type.
pub(crate) trait AnyHandle {
    /// Suspends with a value, and takes an input; hands it out if it is to be kept.
    fn suspend(&self, value: u32, keep: bool) -> Option<Box<dyn Any>>;
    /// The handle.
    fn handle(&self) -> &dyn Any;
}

struct Handle<'h, I, Y>(&'h SuspendHandle<I, Y>);

impl<I: Cargo, Y: Cargo> AnyHandle for Handle<'_, I, Y> {
    #[inline(never)]
    fn suspend(&self, value: u32, keep: bool) -> Option<Box<dyn Any>> {
        let input = self.0.suspend(Y::make(value));
        input.check(INPUT.get(), "an input");
        keep.then(|| Box::new(input) as Box<dyn Any>)
    }

    fn handle(&self) -> &dyn Any {
        self.0
    }
}

/// Which coroutine is running.
struct Me<'m> {
    id: usize,
    /// None for the program itself.
    handle: Option<&'m dyn AnyHandle>,
    /// That of the coroutine around this one.
    outer: Option<&'m dyn AnyHandle>,
}

/// How a frame is left, other than by a panic.
enum Exit {
    Leave,
    Finish,
}

/// The closure of a coroutine.
pub(crate) fn body<C: Cargo, I: Cargo, Y: Cargo, R: Cargo>(
    id: usize,
    tag: u32,
) -> impl FnOnce(&SuspendHandle<I, Y>, I) -> R + 'static {
    let captured = C::make(tag);
    move |handle, first| run(id, (&captured, tag), None, handle, first)
}

/// A coroutine whose closure borrows.
pub(crate) fn scoped<'scope, C: Cargo, I: Cargo, Y: Cargo, R: Cargo>(
    s: &'scope Scope<'scope, '_>,
    borrowed: Borrowed<'scope>,
    id: usize,
    tag: u32,
) -> ScopedCoroutine<'scope, I, Y, R> {
    let captured = C::make(tag);
    let body = move |handle: &SuspendHandle<I, Y>, first| {
        /// What is borrowed must be there to the last.
        struct Check<'a>(Borrowed<'a>);
        impl Drop for Check<'_> {
            fn drop(&mut self) {
                self.0.value.check(self.0.tag, "what a coroutine borrows");
            }
        }
        let _check = Check(borrowed);
        run(id, (&captured, tag), borrowed.outer, handle, first)
    };
    // In a debug build each copy on the way takes two pages, where alignment is that large.
    let aligned = [
        align_of::<C>(),
        align_of::<I>(),
        align_of::<Y>(),
        align_of::<R>(),
    ];
    if !aligned.contains(&4096) {
        return s.coroutine(body);
    }
    let roomy = Coroutine::builder().stack_size(1 << 20);
    roomy.build_scoped(s, body).expect("a stack")
}

fn run<C: Cargo, I: Cargo, Y: Cargo, R: Cargo>(
    id: usize,
    (captured, tag): (&C, u32),
    outer: Option<&dyn AnyHandle>,
    handle: &SuspendHandle<I, Y>,
    first: I,
) -> R {
    first.check(INPUT.get(), "the first input");
    drop(first);
    let handle = Handle(handle);
    let me = Me {
        id,
        handle: Some(&handle),
        outer,
    };
    match frame(&me, None, None) {
        Exit::Leave => fail("a coroutine left its outermost call"),
        Exit::Finish => {}
    }
    captured.check(tag, "what a closure captured");
    R::make(RETURNED.get())
}

/// The program itself, from its beginning to its end.
pub(crate) fn program() {
    let me = Me {
        id: 0,
        handle: None,
        outer: None,
    };
    match frame(&me, None, None) {
        Exit::Leave => {}
        Exit::Finish => fail("the program returned from a coroutine"),
    }
}

/// A scope, and what its coroutines borrow.
type Open<'scope, 'env> = (&'scope Scope<'scope, 'env>, Borrowed<'scope>);

/// A call, which does what the stage says, until that says to leave.
fn frame<'scope>(
    me: &Me<'_>,
    up: Option<&mut dyn Frames>,
    scope: Option<Open<'scope, '_>>,
) -> Exit {
    let mut own = Frame {
        plain: Vec::new(),
        scoped: Vec::new(),
        kept: Vec::new(),
        up,
    };
    loop {
        match next(me.id) {
            Do::Create(id, recipe, tag) => own.plain.push(life::create(recipe, id, tag)),
            Do::CreateScoped(id, recipe, tag) => match scope {
                Some((s, borrowed)) => own
                    .scoped
                    .push(life::create_scoped(s, borrowed, recipe, id, tag)),
                None => fail("this call has no scope"),
            },
            Do::Suspend { value, keep } => {
                let input = present(me.handle).suspend(value, keep);
                own.kept.extend(input);
            }
            Do::Leave => return Exit::Leave,
            Do::Finish(value) => {
                RETURNED.set(value);
                return Exit::Finish;
            }
            Do::Enter(call, tag) => match enter(me, &mut own, call, tag) {
                Exit::Leave => {}
                Exit::Finish => return Exit::Finish,
            },
            todo => act(me, &mut own, todo),
        }
    }
}

fn present(handle: Option<&dyn AnyHandle>) -> &dyn AnyHandle {
    handle.unwrap_or_else(|| fail("there is no handle here"))
}

/// What leaves no frame, and adds none.
fn act(me: &Me<'_>, own: &mut dyn Frames, todo: Do) {
    match todo {
        Do::Resume {
            place,
            input,
            guard,
            before,
            outcome,
        } => {
            let life = own.life(place);
            if !life.is(before) {
                fail(&format!("a coroutine is not {before:?}"));
            }
            if guard {
                let caught = catch_unwind(AssertUnwindSafe(|| life.resume(input, outcome)));
                match (caught, outcome) {
                    (Err(payload), Outcome::Panic(tag)) => check_payload(payload, tag),
                    (Err(_), _) => fail(&format!("a panic, not {outcome:?}")),
                    (Ok(()), _) => {}
                }
            } else {
                life.resume(input, outcome);
            }
            let after = match outcome {
                Outcome::Yielded(_) => coro::Status::Suspended,
                _ => coro::Status::Complete,
            };
            if !own.life(place).is(after) {
                fail(&format!("a coroutine is not {after:?} after {outcome:?}"));
            }
        }
        Do::Delegate(place, input) => own.life(place).delegate(present(me.handle).handle(), input),
        Do::Panic { value, loud } => {
            let payload = Value::<Word>::make(value);
            if loud {
                std::panic::panic_any(payload);
            }
            resume_unwind(Box::new(payload));
        }
        Do::Drop(place) if place.scoped => own.end_scoped(place, false),
        Do::Drop(place) => drop(own.plain(place.up).remove(place.index)),
        Do::Forget(place) if place.scoped => own.end_scoped(place, true),
        Do::Forget(place) => std::mem::forget(own.plain(place.up).remove(place.index)),
        Do::SetAside(place) => {
            let life = own.plain(place.up).remove(place.index);
            ASIDE.with_borrow_mut(|aside| aside.push(life));
        }
        Do::Swap(place, other) => own.swap(place, other),
        Do::Exchange(place, other) => {
            let (one, two) = own.plain(place.up).split_at_mut(other);
            one[place.index].exchange(&mut *two[0]);
        }
        Do::Rehouse(place, way) => own.life(place).rehouse(way),
        Do::Give(place) => {
            let life = own.plain(place.up).remove(place.index);
            PARCEL.set(Some(life));
        }
        Do::Take => match PARCEL.take() {
            Some(life) => own.plain(0).push(life),
            None => fail("nothing is handed over"),
        },
        Do::Recycle(place, new) => {
            let life = own.plain(place.up).remove(place.index);
            let life = life.recycle(new);
            own.plain(place.up).insert(place.index, life);
        }
        Do::Elsewhere { value, outer } => {
            let handle = present(if outer { me.outer } else { me.handle });
            let caught = catch_unwind(AssertUnwindSafe(|| handle.suspend(value, false)));
            let message = caught
                .err()
                .and_then(|payload| payload.downcast::<String>().ok());
            match message {
                Some(message) if message.contains("not run on its own stack") => {}
                other => fail(&format!("a suspend on another stack: {other:?}")),
            }
        }
        other => fail(&format!("{other:?} in this place")),
    }
}

fn check_payload(payload: Box<dyn Any + Send>, tag: u32) {
    match payload.downcast::<Value<Word>>() {
        Ok(value) => value.check(tag, "a payload"),
        Err(payload) => fail(&format!(
            "another panic has arrived: forced {}, {:?}",
            is_forced_unwind(&*payload),
            payload.downcast_ref::<String>()
        )),
    }
}

/// A call in a call.
fn enter(me: &Me<'_>, own: &mut Frame<'_, '_>, call: Call, tag: u32) -> Exit {
    match call {
        Call::Base => fail("the base was entered twice"),
        Call::Hold(kind) => match kind {
            0 => hold::<Void>(me, own, tag),
            1 => hold::<VoidLine>(me, own, tag),
            2 => hold::<Byte>(me, own, tag),
            3 => hold::<Three>(me, own, tag),
            4 => hold::<Word>(me, own, tag),
            5 => hold::<Words>(me, own, tag),
            6 => hold::<Line>(me, own, tag),
            7 => hold::<Page>(me, own, tag),
            _ => hold::<Text>(me, own, tag),
        },
        Call::Catch | Call::Swallow => {
            let caught = catch_unwind(AssertUnwindSafe(|| frame(me, Some(own), None)));
            match caught {
                Ok(exit) => exit,
                Err(payload) if is_forced_unwind(&*payload) => {
                    if call == Call::Swallow {
                        return Exit::Finish;
                    }
                    resume_unwind(payload)
                }
                Err(payload) => match next(me.id) {
                    Do::Caught(tag) => {
                        check_payload(payload, tag);
                        Exit::Leave
                    }
                    other => fail(&format!("a panic was caught, not {other:?}")),
                },
            }
        }
        Call::Scope => {
            let lent = Value::<Words>::make(tag);
            let borrowed = Borrowed {
                value: &lent,
                tag,
                outer: me.handle,
            };
            coro::scope(move |s| frame(me, Some(own), Some((s, borrowed))))
        }
        Call::ResumingDestructor => {
            let _local = ResumingDestructor;
            frame(me, Some(own), None)
        }
        Call::OnStack => {
            let mut stack = sure_stack::PooledStack::new().expect("a stack");
            coro::on_stack(&mut stack, || frame(me, Some(own), None))
        }
    }
}

#[inline(never)]
fn hold<B: Body>(me: &Me<'_>, own: &mut Frame<'_, '_>, tag: u32) -> Exit {
    let local = Value::<B>::make(tag);
    let exit = frame(me, Some(own), None);
    local.check(tag, "a local");
    exit
}

/// Its destructor uses coroutines: one that is finished, and one that is not.
struct ResumingDestructor;

impl Drop for ResumingDestructor {
    fn drop(&mut self) {
        let mut sums = Coroutine::new(|handle: &SuspendHandle<u32, Value<Text>>, mut n: u32| {
            let _local = Value::<Page>::make(n);
            for _ in 0..2 {
                n += handle.suspend(Value::make(n));
            }
            n
        });
        for (input, outcome) in [(1, Ok(1)), (2, Ok(3)), (3, Err(6))] {
            match (sums.resume(input), outcome) {
                (CoroutineState::Yielded(value), Ok(tag)) => value.check(tag, "in a destructor"),
                (CoroutineState::Complete(value), Err(tag)) if value == tag => {}
                _ => fail("a coroutine in a destructor returned something else"),
            }
        }
        let mut items = coro::iter(|handle| {
            let _local = Value::<Words>::make(5);
            (10..20).for_each(|n| handle.suspend(n));
        });
        if items.next() != Some(10) {
            fail("an iterator in a destructor brought something else");
        }
    }
}
