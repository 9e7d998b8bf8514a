//! One coroutine in the place of another.

use coro::{Coroutine, CoroutineState, Resume, Status, SuspendHandle, scope};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use testing::{Counted, Drops};

/// Yields its inputs, `limit` of them, and returns the next one.
fn echo(limit: usize) -> Coroutine<Counted, Counted, Counted> {
    Coroutine::new(move |handle, mut value| {
        for _ in 0..limit {
            value = handle.suspend(value);
        }
        value
    })
}

#[test]
fn everything_passes_through_once() {
    let drops = Drops::new();
    let mut outer = Coroutine::new(|handle, first| {
        let second = handle.delegate(&mut echo(3), first);
        handle.delegate(&mut echo(2), second)
    });
    for _ in 0..5 {
        let back = outer.resume(drops.make()).yielded();
        assert!(back.is_some());
        assert_eq!(drops.alive(), 1, "the one that came back");
    }
    assert!(outer.resume(drops.make()).complete().is_some());
    assert_eq!((drops.alive(), drops.dropped()), (0, 6));
}

#[test]
fn through_many_levels_and_dyn() {
    fn level(depth: usize) -> Box<dyn Resume<u32, Yield = u32, Return = usize>> {
        Box::new(Coroutine::new(
            move |handle: &SuspendHandle<u32, u32>, first| {
                if depth > 0 {
                    return 1 + handle.delegate(&mut *level(depth - 1), first);
                }
                let mut n = first;
                while n != 0 {
                    n = handle.suspend(n * 2);
                }
                0
            },
        ))
    }
    let mut outermost = level(20);
    for n in 1..10 {
        assert_eq!(outermost.resume(n), CoroutineState::Yielded(2 * n));
    }
    assert_eq!(outermost.resume(0), CoroutineState::Complete(20));
}

#[test]
fn to_a_scoped_coroutine() {
    let mut outer = Coroutine::new(|handle: &SuspendHandle<(), String>, ()| {
        let words = ["a", "b"].map(String::from);
        scope(|s| {
            let mut inner = s.coroutine(|handle: &SuspendHandle<(), String>, ()| {
                words.iter().for_each(|word| handle.suspend(word.clone()));
                words.len()
            });
            handle.delegate(&mut inner, ())
        })
    });
    assert_eq!(outer.resume(()), CoroutineState::Yielded("a".into()));
    assert_eq!(outer.resume(()), CoroutineState::Yielded("b".into()));
    assert_eq!(outer.resume(()), CoroutineState::Complete(2));
}

#[test]
fn a_panic_of_the_inner_one_leaves_the_outer_one() {
    let mut outer = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
        let mut inner = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
            handle.suspend(());
            resume_unwind(Box::new("inner"));
        });
        handle.delegate(&mut inner, ());
    });
    outer.resume(());
    let caught = catch_unwind(AssertUnwindSafe(|| outer.resume(())));
    assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "inner");
    assert!(outer.is_complete());
}

#[test]
fn dropping_the_outer_one_leaves_a_borrowed_inner_one_suspended() {
    let drops = Drops::new();
    let inner = Rc::new(RefCell::new(echo(2)));
    let inside = inner.clone();
    let mut outer =
        Coroutine::new(move |handle, first| handle.delegate(&mut *inside.borrow_mut(), first));
    drop(outer.resume(drops.make()));
    drop(outer);
    let mut inner = inner.borrow_mut();
    assert_eq!(inner.status(), Status::Suspended);
    assert!(inner.resume(drops.make()).yielded().is_some());
    assert!(inner.resume(drops.make()).complete().is_some());
    assert_eq!((drops.alive(), drops.dropped()), (0, 3));
}
