//! Together with `coro::Coroutine`, both ways round.

use crate::kinds::{Kind, deeper, each};
use coro::{Coroutine, SuspendHandle};
use coro_dynamic::{CoroutineState, DynamicHandle, Refusal, Status};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn a_dynamic_one_resumes_coroutines_with_stacks() {
    each(|kind| {
        let mut dynamic = kind.make(|handle, mut n: u64| {
            let mut inner = Coroutine::new(|handle: &SuspendHandle<u64, u64>, mut n| {
                loop {
                    n = handle.suspend(n + 1);
                }
            });
            while n < u64::MAX {
                let state: CoroutineState<u64, ()> = inner.resume(n);
                n = handle.suspend(state.yielded().unwrap() * 2);
            }
        });
        for n in 0..100 {
            let state = deeper(n as usize % 40, &mut || dynamic.resume(n));
            assert_eq!(state, CoroutineState::Yielded((n + 1) * 2));
        }
    });
}

/// On a run stack of its own, a dynamic coroutine can be resumed from anywhere.
#[test]
fn a_coroutine_with_a_stack_resumes_dynamic_ones_on_a_run_stack() {
    let kind = Kind::shared();
    let mut outer = Coroutine::new(move |handle: &SuspendHandle<u64, u64>, mut n| {
        let make = || {
            kind.make(|handle: &DynamicHandle<u64, u64>, mut n| {
                loop {
                    n = handle.suspend(n + 1);
                }
            })
        };
        let (mut one, mut other) = (make(), make());
        loop {
            let (a, b): (CoroutineState<u64, ()>, CoroutineState<u64, ()>) =
                (one.resume(n), other.resume(n * 10));
            n = handle.suspend(a.yielded().unwrap() + b.yielded().unwrap());
        }
    });
    for n in 0..100 {
        let state: CoroutineState<u64, ()> = outer.resume(n);
        assert_eq!(state, CoroutineState::Yielded(n + 1 + n * 10 + 1));
    }
}

#[test]
fn on_another_stack_it_is_refused_and_nothing_has_changed() {
    let mut dynamic = Kind::Thread.make(|handle: &DynamicHandle<String, usize>, first| {
        let second = handle.suspend(first.len());
        second.len()
    });
    for (input, expected) in [
        ("one", CoroutineState::Yielded(3)),
        ("four", CoroutineState::Complete(4)),
    ] {
        let status = dynamic.status();
        let mut stack =
            sure_stack::GuardedMmapStack::allocate_at_least(256 << 10).expect("a stack");
        let error = coro::on_stack(&mut stack, || dynamic.try_resume(input.to_string()));
        let error = error.expect_err("another stack");
        assert_eq!(error.refusal(), Refusal::OtherStack);
        assert_eq!(dynamic.status(), status);
        assert_eq!(dynamic.resume(error.into_input()), expected);
    }
    assert_eq!(dynamic.status(), Status::Complete);
}

/// A coroutine on a run stack calls another stack, and from there one on the
/// same run stack is resumed: it is not known where the outer one's frames end.
#[test]
fn a_run_stack_in_use_is_refused() {
    let kind = Kind::shared();
    let inner_kind = kind.clone();
    let mut outer = kind.make(move |_: &DynamicHandle<(), ()>, ()| {
        let mut inner = inner_kind.make(|handle: &DynamicHandle<(), ()>, ()| handle.suspend(()));
        let mut between = Coroutine::new(move |_: &SuspendHandle<(), ()>, ()| {
            let error = inner.try_resume(()).expect_err("in use");
            assert_eq!(error.refusal(), Refusal::Busy);
            inner
        });
        let mut inner = between.resume(()).complete().expect("it returns");
        assert_eq!(inner.resume(()), CoroutineState::Yielded(()));
        assert_eq!(inner.resume(()), CoroutineState::Complete(()));
    });
    assert_eq!(outer.resume(()), CoroutineState::Complete(()));
}

/// Suspending the outer one from a stack that it has called.
#[test]
fn a_handle_is_refused_on_another_stack() {
    each(|kind| {
        let mut dynamic = kind.make(|handle: &DynamicHandle<(), ()>, ()| {
            let mut stack =
                sure_stack::GuardedMmapStack::allocate_at_least(256 << 10).expect("a stack");
            let refused = coro::on_stack(&mut stack, || {
                catch_unwind(AssertUnwindSafe(|| handle.suspend(()))).is_err()
            });
            assert!(refused);
            handle.suspend(());
        });
        assert_eq!(dynamic.resume(()), CoroutineState::Yielded(()));
        assert_eq!(dynamic.resume(()), CoroutineState::Complete(()));
    });
}

/// The handle of a coroutine with a stack, used on the frames of a dynamic one.
#[test]
fn a_dynamic_one_cannot_suspend_a_coroutine_with_a_stack() {
    let kind = Kind::shared();
    let mut outer = Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
        // SAFETY: it is used while its frame waits, and refused.
        let outer: &'static SuspendHandle<(), ()> = unsafe { &*std::ptr::from_ref(handle) };
        let mut dynamic = kind.make(move |_: &DynamicHandle<(), ()>, ()| {
            catch_unwind(AssertUnwindSafe(|| outer.suspend(()))).is_err()
        });
        dynamic.resume(()).complete()
    });
    assert_eq!(outer.resume(()).complete(), Some(Some(true)));
}
