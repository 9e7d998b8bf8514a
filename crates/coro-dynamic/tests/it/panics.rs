//! Panics cross to the resumer, and leave everything as it should be.

use crate::kinds::{Kind, deeper, each};
use coro_dynamic::{CoroutineState, DynamicHandle, Status};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use testing::{Drops, OnDrop};

/// Resumes `before` times, then lets it panic, from some depth.
fn panics_after(kind: &Kind, before: usize, calls: usize) {
    let drops = Drops::new();
    let made = drops.clone();
    let mut coroutine = kind.make(move |handle: &DynamicHandle<bool, usize>, mut panic| {
        let _local = made.make();
        let mut n = 0;
        while !panic {
            let _another = made.make();
            panic = handle.suspend(n);
            n += 1;
        }
        resume_unwind(Box::new(n));
    });
    let near = [before; 50];
    for n in 0..before {
        let state: CoroutineState<usize, ()> = coroutine.resume(false);
        assert_eq!(state, CoroutineState::Yielded(n));
    }
    let payload = deeper(calls, &mut || {
        catch_unwind(AssertUnwindSafe(|| coroutine.resume(true))).expect_err("it panics")
    });
    assert_eq!(payload.downcast_ref::<usize>(), Some(&before));
    assert_eq!(coroutine.status(), Status::Complete);
    assert_eq!(drops.alive(), 0);
    assert_eq!(near, [before; 50]);
}

#[test]
fn at_each_point_and_from_each_depth() {
    each(|kind| {
        for before in 0..5 {
            for calls in [0, 1, 5, 50] {
                panics_after(kind, before, calls);
            }
        }
    });
}

#[test]
fn a_caught_panic_inside_stays_inside() {
    each(|kind| {
        let mut coroutine = kind.make(|handle, ()| {
            for n in 0..3 {
                let caught = catch_unwind(AssertUnwindSafe(|| {
                    let _guard = OnDrop(|| ());
                    handle.suspend(n);
                    resume_unwind(Box::new(n));
                }));
                let payload = caught.expect_err("it panics");
                assert_eq!(payload.downcast_ref::<i32>(), Some(&n));
            }
        });
        for n in 0..3 {
            let state = deeper(n as usize * 10, &mut || coroutine.resume(()));
            assert_eq!(state, CoroutineState::Yielded(n));
        }
        assert_eq!(coroutine.resume(()), CoroutineState::Complete(()));
    });
}

#[test]
fn a_coroutine_may_be_used_while_the_thread_panics() {
    each(|kind| {
        let kind = kind.clone();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let _guard = OnDrop(|| {
                let mut coroutine = kind.make(|handle, ()| handle.suspend(1));
                assert_eq!(coroutine.resume(()), CoroutineState::Yielded(1));
                // Dropped suspended, while the thread panics.
            });
            resume_unwind(Box::new("outer"));
        }));
        let payload = outcome.expect_err("it panics");
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"outer"));
    });
}

/// Suspends with a value when it is dropped.
struct SuspendsOnDrop<'a>(&'a DynamicHandle<u8, u8>, u8);

impl Drop for SuspendsOnDrop<'_> {
    fn drop(&mut self) {
        assert_eq!(self.0.suspend(self.1), self.1 + 1);
    }
}

#[test]
fn guards_that_suspend_are_dropped_by_a_panicking_coroutine() {
    each(|kind| {
        let mut coroutine = kind.make(|handle: &DynamicHandle<u8, u8>, _: u8| {
            let caught = catch_unwind(AssertUnwindSafe(|| {
                let _guard = SuspendsOnDrop(handle, 1);
                resume_unwind(Box::new("caught inside"));
            }));
            assert!(caught.is_err());
            assert!(!std::thread::panicking());
            let _outer = SuspendsOnDrop(handle, 5);
            let _inner = SuspendsOnDrop(handle, 3);
            resume_unwind(Box::new("own"));
        });
        for value in [1, 3, 5] {
            let state: CoroutineState<u8, ()> =
                deeper(value as usize * 9, &mut || coroutine.resume(value - 1));
            assert_eq!(state, CoroutineState::Yielded(value));
            assert!(std::thread::panicking(), "also for the resumer");
        }
        let payload =
            catch_unwind(AssertUnwindSafe(|| coroutine.resume(6))).expect_err("it panics");
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"own"));
        assert!(!std::thread::panicking(), "caught");
    });
}

#[test]
fn panics_of_several_coroutines_are_under_way_at_once() {
    each(|kind| {
        let mut all = [1, 2, 3].map(|payload: u8| {
            kind.make(move |handle: &DynamicHandle<u8, u8>, _: u8| {
                let _guard = SuspendsOnDrop(handle, payload);
                resume_unwind(Box::new(payload));
            })
        });
        for (coroutine, payload) in all.iter_mut().zip(1..) {
            let state: CoroutineState<u8, ()> = coroutine.resume(0);
            assert_eq!(state, CoroutineState::Yielded(payload));
        }
        for turn in [1, 0, 2] {
            assert!(std::thread::panicking());
            let resume = AssertUnwindSafe(|| all[turn].resume(turn as u8 + 2));
            let payload = catch_unwind(resume).expect_err("it panics");
            assert_eq!(payload.downcast_ref::<u8>(), Some(&(turn as u8 + 1)));
        }
        assert!(!std::thread::panicking());
    });
}

#[test]
fn a_coroutine_that_a_destructor_resumes_panics_and_suspends() {
    each(|kind| {
        let mut coroutine = kind.make(|handle: &DynamicHandle<u8, u8>, _: u8| {
            let _guard = SuspendsOnDrop(handle, 1);
            resume_unwind(Box::new("the coroutine's"));
        });
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let _uses = OnDrop(|| {
                let state: CoroutineState<u8, ()> = coroutine.resume(0);
                assert_eq!(state, CoroutineState::Yielded(1));
            });
            resume_unwind(Box::new("the resumer's"));
        }));
        let payload = caught.expect_err("it panics");
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"the resumer's"));
        let payload =
            catch_unwind(AssertUnwindSafe(|| coroutine.resume(2))).expect_err("it panics");
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"the coroutine's"));
        assert!(!std::thread::panicking());
    });
}

#[test]
fn a_foreign_handle_is_refused() {
    each(|kind| {
        let outer_kind = kind.clone();
        let mut outer = kind.make(move |outer: &DynamicHandle<(), ()>, ()| {
            // SAFETY: a header, on the heap, which stands while this one runs.
            let outer: &'static DynamicHandle<(), ()> = unsafe { &*std::ptr::from_ref(outer) };
            let mut inner = outer_kind.make(move |_: &DynamicHandle<(), ()>, ()| outer.suspend(()));
            let payload = catch_unwind(AssertUnwindSafe(|| inner.resume(()))).expect_err("refused");
            let message = payload.downcast_ref::<String>().expect("a message");
            assert!(
                message.contains("does not run on its own stack"),
                "{message}"
            );
            outer.suspend(());
        });
        assert_eq!(outer.resume(()), CoroutineState::Yielded(()));
        assert_eq!(outer.resume(()), CoroutineState::Complete(()));
    });
}
