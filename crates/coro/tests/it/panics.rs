//! Panics that cross to the resumer, and coroutines used during a panic.

use coro::{Coroutine, CoroutineState, Status, SuspendHandle};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::thread;
use testing::{Drops, OnDrop};

#[test]
fn a_panic_reaches_the_resumer_with_its_payload() {
    let drops = Drops::new();
    let inside = drops.clone();
    let mut coroutine = Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
        let _local = inside.make();
        handle.suspend(());
        std::panic::panic_any(42_u8);
    });
    coroutine.resume(());
    let payload = catch_unwind(AssertUnwindSafe(|| {
        let _: CoroutineState<(), ()> = coroutine.resume(());
    }));
    assert_eq!(*payload.unwrap_err().downcast::<u8>().unwrap(), 42);
    assert_eq!(coroutine.status(), Status::Complete);
    assert_eq!(drops.alive(), 0);
    assert!(coroutine.try_resume(()).is_err());
}

#[test]
fn a_panic_on_the_first_resume() {
    let mut coroutine = Coroutine::new(|_: &SuspendHandle<(), ()>, ()| panic!("at once"));
    let payload = catch_unwind(AssertUnwindSafe(|| {
        let _: CoroutineState<(), ()> = coroutine.resume(());
    }));
    assert_eq!(*payload.unwrap_err().downcast::<&str>().unwrap(), "at once");
    assert!(coroutine.into_stack().is_ok(), "its stack is free again");
}

#[test]
fn a_panic_caught_inside_stays_inside() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<u8, u8>, mut value: u8| {
        for _ in 0..3 {
            let caught = catch_unwind(|| std::panic::panic_any(value));
            value = handle.suspend(*caught.unwrap_err().downcast::<u8>().unwrap());
        }
        value
    });
    for i in 0..3 {
        assert_eq!(coroutine.resume(i), CoroutineState::Yielded(i));
    }
    assert_eq!(coroutine.resume(9), CoroutineState::Complete(9));
}

#[test]
fn a_suspend_inside_catch_unwind() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), u8>, ()| {
        let caught = catch_unwind(AssertUnwindSafe(|| {
            handle.suspend(1);
            panic!("after a suspend");
        }));
        handle.suspend(2);
        caught.is_err()
    });
    assert_eq!(coroutine.resume(()), CoroutineState::Yielded(1));
    assert_eq!(coroutine.resume(()), CoroutineState::Yielded(2));
    assert_eq!(coroutine.resume(()), CoroutineState::Complete(true));
}

#[test]
fn a_coroutine_used_by_a_destructor_during_a_panic() {
    let mut sums = Vec::new();
    let mut old = Coroutine::new(|handle: &SuspendHandle<u32, u32>, mut n: u32| {
        loop {
            n = handle.suspend(n + 1);
        }
    });
    let _: CoroutineState<u32, ()> = old.resume(0);
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _on_drop = OnDrop(|| {
            assert!(std::thread::panicking());
            let mut fresh = Coroutine::new(|handle: &SuspendHandle<u32, u32>, n: u32| {
                let n = handle.suspend(n + 1);
                n + 2
            });
            sums.push(fresh.resume(10).yielded().unwrap());
            sums.push(old.resume(20).yielded().unwrap());
            sums.push(old.resume(30).yielded().unwrap());
            sums.push(fresh.resume(40).complete().unwrap());
        });
        resume_unwind(Box::new(()));
    }));
    assert!(caught.is_err());
    assert_eq!(sums, [11, 21, 31, 42]);
    assert_eq!(
        old.resume(50),
        CoroutineState::Yielded(51),
        "and after the panic"
    );
}

/// Suspends with a value when it is dropped, and notes what it was resumed with.
struct SuspendsOnDrop<'a>(&'a SuspendHandle<u8, u8>, u8, &'a Cell<u8>);

impl Drop for SuspendsOnDrop<'_> {
    fn drop(&mut self) {
        assert!(thread::panicking());
        self.2.set(self.0.suspend(self.1));
    }
}

#[test]
fn guards_that_suspend_are_dropped_by_a_panicking_coroutine() {
    let inputs = Rc::new([Cell::new(0), Cell::new(0)]);
    let inside = inputs.clone();
    let mut coroutine = Coroutine::new(move |handle: &SuspendHandle<u8, u8>, _: u8| {
        let _first = SuspendsOnDrop(handle, 2, &inside[1]);
        let _second = SuspendsOnDrop(handle, 1, &inside[0]);
        resume_unwind(Box::new("own"));
    });
    let state: CoroutineState<u8, ()> = coroutine.resume(0);
    assert_eq!(state, CoroutineState::Yielded(1));
    assert!(
        thread::panicking(),
        "of the coroutine, also for the resumer"
    );
    assert_eq!(coroutine.status(), Status::Suspended);
    assert_eq!(coroutine.resume(10), CoroutineState::Yielded(2));
    let payload = catch_unwind(AssertUnwindSafe(|| coroutine.resume(20))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"own"));
    assert!(!thread::panicking(), "caught");
    assert_eq!((inputs[0].get(), inputs[1].get()), (10, 20));
    assert_eq!(coroutine.status(), Status::Complete);
}

#[test]
fn a_panic_caught_inside_is_over_for_the_thread_when_it_is_caught() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<u8, u8>, _: u8| {
        let input = Cell::new(0);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let _guard = SuspendsOnDrop(handle, 1, &input);
            panic!("caught inside");
        }));
        assert!(caught.is_err());
        handle.suspend(input.get() + 1)
    });
    assert_eq!(coroutine.resume(0), CoroutineState::Yielded(1));
    assert!(thread::panicking());
    assert_eq!(coroutine.resume(6), CoroutineState::Yielded(7));
    assert!(
        !thread::panicking(),
        "where it was caught, not where it was resumed"
    );
    assert_eq!(coroutine.resume(8), CoroutineState::Complete(8));
}

#[test]
fn panics_of_several_coroutines_are_under_way_at_once_and_end_in_any_order() {
    fn panicking(payload: u8) -> Coroutine<u8, u8, ()> {
        Coroutine::new(move |handle: &SuspendHandle<u8, u8>, _: u8| {
            let input = Cell::new(0);
            let _guard = SuspendsOnDrop(handle, payload, &input);
            std::panic::resume_unwind(Box::new(payload));
        })
    }
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]] {
        let mut all = [1, 2, 3].map(panicking);
        for (coroutine, payload) in all.iter_mut().zip(1..) {
            assert_eq!(coroutine.resume(0), CoroutineState::Yielded(payload));
        }
        for turn in order {
            assert!(thread::panicking());
            // A panic of the resumer itself meanwhile is caught as ever.
            assert!(catch_unwind(|| resume_unwind(Box::new(()))).is_err());
            let caught = catch_unwind(AssertUnwindSafe(|| all[turn].resume(0)));
            assert_eq!(
                *caught.unwrap_err().downcast::<u8>().unwrap(),
                turn as u8 + 1
            );
        }
        assert!(!thread::panicking());
    }
}

#[test]
fn a_panic_inside_of_a_panic_suspends_too() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<u8, u8>, _: u8| {
        let inputs = [Cell::new(0), Cell::new(0)];
        let outer = catch_unwind(AssertUnwindSafe(|| {
            let _outer = SuspendsOnDrop(handle, 3, &inputs[1]);
            // A destructor of the outer panic, with a panic of its own that it catches.
            let _late = OnDrop(|| {
                let inner = catch_unwind(AssertUnwindSafe(|| {
                    let _inner = SuspendsOnDrop(handle, 1, &inputs[0]);
                    resume_unwind(Box::new("inner"));
                }));
                assert_eq!(*inner.unwrap_err().downcast::<&str>().unwrap(), "inner");
                handle.suspend(2);
            });
            resume_unwind(Box::new("outer"));
        }));
        assert_eq!(*outer.unwrap_err().downcast::<&str>().unwrap(), "outer");
        inputs.map(Cell::into_inner)
    });
    assert_eq!(coroutine.resume(0), CoroutineState::Yielded(1));
    assert_eq!(coroutine.resume(4), CoroutineState::Yielded(2));
    assert_eq!(coroutine.resume(5), CoroutineState::Yielded(3));
    assert!(thread::panicking());
    assert_eq!(coroutine.resume(6), CoroutineState::Complete([4, 6]));
    assert!(!thread::panicking());
}

#[test]
fn a_coroutine_that_a_destructor_resumes_panics_and_suspends() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<u8, u8>, _: u8| {
        let input = Cell::new(0);
        let _guard = SuspendsOnDrop(handle, 1, &input);
        resume_unwind(Box::new("the coroutine's"));
    });
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _uses = OnDrop(|| {
            let state: CoroutineState<u8, ()> = coroutine.resume(0);
            assert_eq!(state, CoroutineState::Yielded(1));
        });
        resume_unwind(Box::new("the resumer's"));
    }));
    let payload = *caught.unwrap_err().downcast::<&str>().unwrap();
    assert_eq!(payload, "the resumer's");
    assert!(
        thread::panicking(),
        "the coroutine's panic is under way still"
    );
    let caught = catch_unwind(AssertUnwindSafe(|| coroutine.resume(2)));
    let payload = *caught.unwrap_err().downcast::<&str>().unwrap();
    assert_eq!(payload, "the coroutine's");
    assert!(!thread::panicking());
}

#[test]
fn panics_cross_many_coroutines() {
    fn nest(depth: usize) -> Coroutine<(), (), ()> {
        Coroutine::new(move |_, ()| match depth {
            0 => std::panic::panic_any(7_u64),
            _ => {
                let _ = nest(depth - 1).resume(());
            }
        })
    }
    let mut outermost = nest(50);
    let caught = catch_unwind(AssertUnwindSafe(|| outermost.resume(())));
    assert_eq!(*caught.unwrap_err().downcast::<u64>().unwrap(), 7);
}
