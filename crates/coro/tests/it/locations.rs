//! The message of a panic over a mistake of the caller's names the line of the call.

use coro::{Coroutine, LendingCoroutine, LendingHandle, Resume, SuspendHandle};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Once;
use sure_stack::{GuardedMmapStack, StackError};

thread_local! {
    /// Where the last panic of the thread began.
    static BEGAN: RefCell<Option<(String, u32)>> = const { RefCell::new(None) };
}

/// Notes where panics begin, for this thread's test only; the hook of before is called, too.
fn listen() {
    static LISTENS: Once = Once::new();
    LISTENS.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let place = info.location().map(|at| (at.file().to_owned(), at.line()));
            // Not while the thread ends: then no test asks.
            let _ = BEGAN.try_with(|began| began.replace(place));
            before(info);
        }));
    });
}

/// Runs what panics, on the line of this call.
#[track_caller]
fn assert_panics_here<R>(f: impl FnOnce() -> R) {
    listen();
    let here = Location::caller();
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err(), "it panics");
    let began = BEGAN.take().expect("the hook was called");
    assert_eq!(began, (here.file().to_owned(), here.line()));
}

type Plain = Coroutine<(), (), ()>;

fn complete() -> Plain {
    let mut coroutine = Coroutine::new(|_: &SuspendHandle<(), ()>, ()| ());
    coroutine.resume(());
    coroutine
}

#[test]
fn a_resume_of_a_complete_coroutine() {
    let mut plain = complete();
    assert_panics_here(|| plain.resume(()));
    assert_panics_here(|| Resume::resume(&mut plain, ()));
    let mut lending = LendingCoroutine::new(|_: &LendingHandle<u8, ()>| ());
    lending.resume(&mut 0);
    assert_panics_here(|| lending.resume(&mut 0));
    coro::scope(|s| {
        let mut scoped = s.coroutine(|_: &SuspendHandle<(), ()>, ()| ());
        scoped.resume(());
        assert_panics_here(|| scoped.resume(()));
    });
}

#[test]
fn a_delegation_to_a_complete_coroutine() {
    let mut outer = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
        let mut inner = complete();
        assert_panics_here(|| handle.delegate(&mut inner, ()));
    });
    outer.resume(());
}

#[test]
fn a_suspend_on_a_foreign_stack() {
    let mut outer = Coroutine::new(|outside: &SuspendHandle<(), ()>, ()| {
        coro::scope(|s| {
            let mut inner = s.coroutine(|_: &SuspendHandle<(), ()>, ()| {
                assert_panics_here(|| outside.suspend(()));
                assert_panics_here(|| outside.try_suspend(()));
                assert_panics_here(|| outside.on_parent_stack(|| ()));
            });
            inner.resume(());
        });
    });
    outer.resume(());
}

/// A page, unless that is enough for a coroutine.
fn too_small() -> Option<GuardedMmapStack> {
    let stack = GuardedMmapStack::allocate_at_least(1).expect("a page");
    (stack.size() < coro::MIN_STACK_SIZE).then_some(stack)
}

#[test]
fn a_stack_that_is_too_small() {
    let body = |_: &SuspendHandle<(), ()>, ()| ();
    let lending = |_: &LendingHandle<u8, ()>| ();
    if let (Some(one), Some(two), Some(mut three)) = (too_small(), too_small(), too_small()) {
        assert_panics_here(|| Coroutine::with_stack(one, body));
        assert_panics_here(|| LendingCoroutine::with_stack(two, lending));
        assert_panics_here(|| coro::on_stack(&mut three, || ()));
    }
}

/// A value that takes more than half of a default stack.
type Huge = [u8; 200 << 10];

#[test]
fn values_that_are_too_large_for_the_default_stack() {
    let refused = Coroutine::try_new(|_: &SuspendHandle<(), Huge>, ()| ());
    assert!(matches!(refused, Err(StackError::TooSmall { .. })));
    let body = |_: &SuspendHandle<(), Huge>, ()| ();
    assert_panics_here(|| Coroutine::new(body));
    assert_panics_here(|| coro::iter(|_: &SuspendHandle<(), Huge>| ()));
    coro::scope(|s| assert_panics_here(|| s.coroutine(body)));
}
