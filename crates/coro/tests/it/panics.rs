//! Panics that cross to the resumer, and coroutines used during a panic.

use coro::{Coroutine, CoroutineState, Status, SuspendHandle};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
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

#[test]
fn a_suspend_while_unwinding_is_refused_until_the_panic_is_over() {
    // The refusal is a panic in a destructor, which ends the process unless it
    // is caught inside that destructor, as here.
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), u8>, ()| {
        let mut refusal = None;
        let _ = catch_unwind(AssertUnwindSafe(|| {
            let _on_drop = OnDrop(|| {
                let caught = catch_unwind(AssertUnwindSafe(|| handle.suspend(1)));
                refusal = caught
                    .err()
                    .and_then(|payload| payload.downcast::<String>().ok());
            });
            resume_unwind(Box::new(()));
        }));
        handle.suspend(2);
        refusal.map(|message| *message)
    });
    assert_eq!(coroutine.resume(()), CoroutineState::Yielded(2));
    let message = coroutine.resume(()).complete().unwrap().expect("refused");
    assert!(
        message.contains("while it unwinds from a panic"),
        "{message}"
    );
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
