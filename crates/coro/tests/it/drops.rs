//! Every value is dropped exactly once, whatever becomes of the coroutine.

use coro::{Coroutine, CoroutineState, SuspendHandle, is_forced_unwind};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::rc::Rc;
use sure_stack::{GuardedMmapStack, Stack};
use testing::{Counted, Drops, OnDrop};

#[test]
fn a_coroutine_that_never_ran_drops_its_closure() {
    let drops = Drops::new();
    let captured = drops.make();
    let coroutine = Coroutine::new(move |_: &SuspendHandle<(), ()>, ()| drop(captured));
    assert_eq!(drops.alive(), 1);
    drop(coroutine);
    assert_eq!((drops.alive(), drops.dropped()), (0, 1));
}

#[test]
fn a_boxed_closure_is_dropped_too() {
    fn work() {
        let drops = Drops::new();
        let captured = (drops.make(), [0_u8; 100 << 10]);
        drop(Coroutine::new(move |_: &SuspendHandle<(), ()>, ()| {
            drop(captured)
        }));
        assert_eq!((drops.alive(), drops.dropped()), (0, 1));
    }
    std::thread::Builder::new()
        .stack_size(16 << 20)
        .spawn(work)
        .unwrap()
        .join()
        .unwrap();
}

/// A coroutine with values in its closure, its frames, and on the way.
fn busy(drops: &Drops) -> Coroutine<Counted, Counted, Counted> {
    fn deep(handle: &SuspendHandle<Counted, Counted>, drops: &Drops, depth: usize) -> Counted {
        let _local = drops.make();
        match depth {
            0 => handle.suspend(drops.make()),
            _ => deep(handle, drops, depth - 1),
        }
    }
    let captured = drops.make();
    let drops = drops.clone();
    Coroutine::new(move |handle, input| {
        let _captured = captured;
        let _first = input;
        let second = deep(handle, &drops, 10);
        let _third = handle.suspend(drops.make());
        second
    })
}

#[test]
fn nothing_is_lost_at_any_point_of_the_way() {
    for resumes in 0..=3 {
        let drops = Drops::new();
        let mut coroutine = busy(&drops);
        for _ in 0..resumes {
            let _ = coroutine.resume(drops.make());
        }
        assert_eq!(coroutine.is_complete(), resumes == 3);
        drop(coroutine);
        assert_eq!(drops.alive(), 0, "after {resumes} resumes");
    }
}

#[test]
fn a_refused_input_is_not_lost() {
    let drops = Drops::new();
    let mut coroutine = busy(&drops);
    while coroutine.try_resume(drops.make()).is_ok() {}
    let error = coroutine.try_resume(drops.make()).unwrap_err();
    assert_eq!(drops.alive(), 1);
    drop(error);
    assert_eq!(drops.alive(), 0);
}

#[test]
fn a_leaked_coroutine_leaks_and_nothing_else_happens() {
    let drops = Drops::new();
    let mut coroutine = busy(&drops);
    drop(coroutine.resume(drops.make()));
    let alive = drops.alive();
    std::mem::forget(coroutine);
    assert_eq!(drops.alive(), alive);
    // The thread's next coroutines get other stacks.
    for _ in 0..10 {
        let other = Drops::new();
        drop(busy(&other).resume(other.make()));
        assert_eq!(other.alive(), 0);
    }
    assert_eq!(drops.alive(), alive);
}

#[test]
fn forced_unwind_is_seen_by_catchers_and_calls_no_hook() {
    let drops = Drops::new();
    let inside = drops.clone();
    let mut coroutine = Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let _local = inside.make();
            handle.suspend(());
        }));
        let payload = caught.expect_err("dropped while suspended");
        assert!(is_forced_unwind(&*payload));
        let _seen = inside.make();
        resume_unwind(payload);
    });
    coroutine.resume(());
    drop(coroutine);
    assert_eq!((drops.alive(), drops.dropped()), (0, 2));
}

#[test]
fn a_swallowed_forced_unwind_ends_with_a_value_that_is_dropped() {
    let drops = Drops::new();
    let inside = drops.clone();
    let mut coroutine = Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
        let _ = catch_unwind(AssertUnwindSafe(|| handle.suspend(())));
        [inside.make(), inside.make()]
    });
    coroutine.resume(());
    drop(coroutine);
    assert_eq!((drops.alive(), drops.dropped()), (0, 2));
}

#[test]
fn a_panic_instead_of_the_forced_unwind_leaves_the_drop() {
    let drops = Drops::new();
    let inside = drops.clone();
    let mut coroutine = Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
        let _local = inside.make();
        let _ = catch_unwind(AssertUnwindSafe(|| handle.suspend(())));
        resume_unwind(Box::new("another"));
    });
    coroutine.resume(());
    let payload = catch_unwind(AssertUnwindSafe(|| drop(coroutine))).unwrap_err();
    assert_eq!(*payload.downcast::<&str>().unwrap(), "another");
    assert_eq!(drops.alive(), 0);
}

#[test]
fn a_stashed_forced_unwind_is_an_ordinary_panic_elsewhere() {
    let stash = std::rc::Rc::new(std::cell::RefCell::new(None));
    let inside = stash.clone();
    let mut first = Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
        *inside.borrow_mut() = catch_unwind(AssertUnwindSafe(|| handle.suspend(()))).err();
    });
    first.resume(());
    drop(first);
    let payload = stash.take().expect("stashed");
    // On the same stack, as the pool has it.
    let mut second = Coroutine::new(move |_: &SuspendHandle<(), ()>, ()| resume_unwind(payload));
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _: CoroutineState<(), ()> = second.resume(());
    }));
    assert!(is_forced_unwind(&*caught.unwrap_err()));
    assert!(second.is_complete());
}

#[test]
fn dropped_while_the_thread_is_panicking() {
    let drops = Drops::new();
    let mut coroutine = busy(&drops);
    drop(coroutine.resume(drops.make()));
    let caught = catch_unwind(AssertUnwindSafe(move || {
        let _owned = coroutine;
        resume_unwind(Box::new("outer"));
    }));
    assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "outer");
    assert_eq!(drops.alive(), 0);
}

#[test]
fn a_second_panic_while_the_thread_is_panicking_is_swallowed() {
    let drops = Drops::new();
    let inside = drops.clone();
    let mut coroutine = Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
        let _local = inside.make();
        let _ = catch_unwind(AssertUnwindSafe(|| handle.suspend(())));
        resume_unwind(Box::new("inner"));
    });
    coroutine.resume(());
    let caught = catch_unwind(AssertUnwindSafe(move || {
        let _owned = coroutine;
        resume_unwind(Box::new("outer"));
    }));
    assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "outer");
    assert_eq!(drops.alive(), 0);
}

/// Swallows the forced unwind as often as it suspends, which is `times`.
fn swallowing(times: usize, swallowed: &Rc<Cell<usize>>, drops: &Drops) -> Coroutine<(), (), ()> {
    let (swallowed, drops) = (swallowed.clone(), drops.clone());
    Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
        for _ in 0..times {
            let caught = catch_unwind(AssertUnwindSafe(|| {
                let _local = drops.make();
                handle.suspend(());
            }));
            assert!(is_forced_unwind(&*caught.unwrap_err()));
            swallowed.set(swallowed.get() + 1);
        }
    })
}

#[test]
fn a_suspend_after_a_swallowed_unwind_unwinds_again() {
    let (swallowed, drops) = (Rc::default(), Drops::new());
    let mut coroutine = swallowing(4, &swallowed, &drops);
    coroutine.resume(());
    drop(coroutine);
    assert_eq!(swallowed.get(), 4);
    assert_eq!((drops.alive(), drops.dropped()), (0, 4));
}

#[test]
fn a_suspend_after_a_swallowed_unwind_unwinds_again_while_the_thread_is_panicking() {
    let (swallowed, drops) = (Rc::default(), Drops::new());
    let mut coroutine = swallowing(3, &swallowed, &drops);
    coroutine.resume(());
    let caught = catch_unwind(AssertUnwindSafe(move || {
        let _owned = coroutine;
        resume_unwind(Box::new("outer"));
    }));
    assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "outer");
    assert_eq!(swallowed.get(), 3);
    assert_eq!((drops.alive(), drops.dropped()), (0, 3));
}

#[test]
fn a_suspend_that_is_tried_returns_the_unwind() {
    let drops = Drops::new();
    let made = drops.clone();
    let mut coroutine = Coroutine::new(move |handle: &SuspendHandle<u8, u8>, _| {
        let _local = made.make();
        assert_eq!(handle.try_suspend(1).ok(), Some(5));
        let unwind = handle.try_suspend(2).expect_err("it is dropped");
        // C code would be left here.
        assert!(!std::thread::panicking());
        assert!(handle.try_suspend(3).is_err(), "and again");
        unwind.resume();
    });
    let state: CoroutineState<u8, ()> = coroutine.resume(0);
    assert_eq!(state, CoroutineState::Yielded(1));
    assert_eq!(coroutine.resume(5), CoroutineState::Yielded(2));
    drop(coroutine);
    assert_eq!((drops.alive(), drops.dropped()), (0, 1));
}

#[test]
fn a_suspend_that_is_tried_in_its_own_panic_survives_the_drop() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
        let _late = OnDrop(|| assert!(handle.try_suspend(()).is_err()));
        resume_unwind(Box::new("own"));
    });
    let state: CoroutineState<(), ()> = coroutine.resume(());
    assert_eq!(state, CoroutineState::Yielded(()));
    let payload = catch_unwind(AssertUnwindSafe(|| drop(coroutine))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"own"), "its panic goes on");
}

#[test]
fn unwound_in_place_it_is_complete_and_keeps_its_stack() {
    let drops = Drops::new();
    for resumes in 0..=2 {
        let stack = GuardedMmapStack::allocate_at_least(64 << 10).unwrap();
        let base = stack.base();
        let captured = drops.make();
        let made = drops.clone();
        let mut coroutine =
            Coroutine::with_stack(stack, move |handle: &SuspendHandle<(), ()>, ()| {
                let _locals = (captured, made.make());
                handle.suspend(());
            });
        for _ in 0..resumes {
            coroutine.resume(());
        }
        coroutine.unwind();
        assert_eq!(drops.alive(), 0);
        assert!(coroutine.is_complete() && coroutine.try_resume(()).is_err());
        coroutine.unwind();
        assert_eq!(coroutine.into_stack().unwrap().base(), base);
    }
}

#[test]
fn a_panic_instead_of_the_unwind_in_place() {
    let mut coroutine = Coroutine::builder()
        .name("loud")
        .build(|handle: &SuspendHandle<(), ()>, ()| {
            let _ = catch_unwind(AssertUnwindSafe(|| handle.suspend(())));
            resume_unwind(Box::new("another"));
        })
        .unwrap();
    let _: CoroutineState<(), ()> = coroutine.resume(());
    let payload = catch_unwind(AssertUnwindSafe(|| coroutine.unwind())).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"another"));
    assert!(coroutine.is_complete());
    assert_eq!(coroutine.name(), Some("loud"));
    assert!(coroutine.into_stack().is_ok());
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        resume_unwind(Box::new("the value's"));
    }
}

#[test]
fn a_value_that_panics_when_it_is_dropped_loses_no_stack() {
    let (taken, stack) = CountedStack::new();
    let mut coroutine = Coroutine::with_stack(stack, |handle: &SuspendHandle<(), ()>, ()| {
        let _ = catch_unwind(AssertUnwindSafe(|| handle.suspend(())));
        Bomb
    });
    assert!(coroutine.resume(()).yielded().is_some());
    let payload = catch_unwind(AssertUnwindSafe(|| drop(coroutine))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"the value's"));
    assert_eq!(taken.get(), 0);
}

#[test]
fn an_abandoned_one_gives_its_stack_back_and_runs_no_destructor() {
    for resumes in 0..=2 {
        let drops = Drops::new();
        let (taken, stack) = CountedStack::new();
        let captured = drops.make();
        let mut coroutine = Coroutine::builder()
            .name("abandoned")
            .stack(stack)
            .build(move |handle: &SuspendHandle<(), ()>, ()| {
                let _captured = captured;
                handle.suspend(());
            })
            .unwrap();
        for _ in 0..resumes {
            coroutine.resume(());
        }
        // SAFETY: it does not run; nothing refers to its frames, and nothing depends on the
        // destructor of a counted value.
        let stack = unsafe { coroutine.abandon() };
        assert_eq!(drops.alive(), usize::from(resumes < 2));
        assert_eq!(taken.get(), 1);
        let mut again = Coroutine::with_stack(stack, |_: &SuspendHandle<u8, ()>, n| n + 1);
        assert_eq!(again.resume(1).complete(), Some(2));
        drop(again);
        assert_eq!(taken.get(), 0);
    }
}

/// A stack that counts itself while it is there.
struct CountedStack(GuardedMmapStack, Rc<Cell<usize>>);

impl CountedStack {
    fn new() -> (Rc<Cell<usize>>, CountedStack) {
        let count = Rc::new(Cell::new(1));
        let stack = GuardedMmapStack::allocate_at_least(64 << 10).unwrap();
        (count.clone(), CountedStack(stack, count))
    }
}

impl Drop for CountedStack {
    fn drop(&mut self) {
        self.1.set(self.1.get() - 1);
    }
}

// SAFETY: the bounds are those of the stack inside, which is this one's own.
unsafe impl Stack for CountedStack {
    fn base(&self) -> NonNull<u8> {
        self.0.base()
    }

    fn limit(&self) -> NonNull<u8> {
        self.0.limit()
    }
}
