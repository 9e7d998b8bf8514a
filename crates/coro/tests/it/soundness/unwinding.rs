//! Unwinding, by force and by panics, and what goes on meanwhile.

use coro::{Coroutine, SuspendHandle, is_forced_unwind};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::rc::Rc;
use testing::{Drops, OnDrop, child};

testing::scenarios!(scenario; hook, silent, suspend_in_forced_unwind);

const SIGABRT: i32 = 6;

fn run(scenario: &str) -> child::Ended {
    child::run("soundness::unwinding::scenario", scenario)
}

/// Suspends with a counted local, below another coroutine of the same kind.
fn chain(depth: usize, drops: &Drops) -> Coroutine<(), (), ()> {
    let drops = drops.clone();
    Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
        let _local = drops.make();
        let _owned = (depth > 0).then(|| {
            let mut inner = chain(depth - 1, &drops);
            inner.resume(());
            inner
        });
        handle.suspend(());
        resume_unwind(Box::new("a panic of its own"));
    })
}

#[test]
fn dropped_by_a_frame_that_is_unwound() {
    let drops = Drops::new();
    // By a forced unwind.
    let mut forced = chain(5, &drops);
    forced.resume(());
    assert_eq!(drops.alive(), 6);
    drop(forced);
    assert_eq!((drops.alive(), drops.dropped()), (0, 6));
    // By the owner's own panic.
    let mut panicking = chain(5, &drops);
    panicking.resume(());
    let caught = catch_unwind(AssertUnwindSafe(|| panicking.resume(())));
    assert_eq!(
        *caught.unwrap_err().downcast::<&str>().unwrap(),
        "a panic of its own"
    );
    assert_eq!((drops.alive(), drops.dropped()), (0, 12));
}

#[test]
fn dropped_by_a_panic_inside_of_a_forced_unwind() {
    let drops = Drops::new();
    let inside = drops.clone();
    let mut outer = Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
        let drops = inside.clone();
        // A destructor of the forced unwind that catches a panic of its own, which drops coroutines.
        let _late = OnDrop(move || {
            let caught = catch_unwind(AssertUnwindSafe(|| {
                let mut inner = chain(3, &drops);
                inner.resume(());
                assert!(std::thread::panicking(), "of the forced unwind");
                resume_unwind(Box::new("within"));
            }));
            assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "within");
        });
        let _local = inside.make();
        handle.suspend(());
    });
    outer.resume(());
    drop(outer);
    assert_eq!((drops.alive(), drops.dropped()), (0, 5));
}

fn suspend_in_forced_unwind() {
    let mut coroutine = Coroutine::builder()
        .name("fragile")
        .build(|handle: &SuspendHandle<(), ()>, ()| {
            let _late = OnDrop(|| handle.suspend(()));
            handle.suspend(());
        })
        .unwrap();
    coroutine.resume(());
    println!("about to drop it");
    drop(coroutine);
    println!("survived");
}

#[test]
fn a_suspend_in_a_destructor_of_a_forced_unwind_aborts() {
    let ended = run("suspend_in_forced_unwind");
    ended.assert_killed(
        SIGABRT,
        &[
            "about to drop it",
            "coroutine `fragile` is being dropped, and a destructor that the unwind of its frames \
             runs was asked to suspend",
        ],
    );
    assert!(!ended.output.contains("survived"), "{ended}");
}

#[test]
fn a_fresh_iterator_in_a_destructor_during_a_panic() {
    let seen = RefCell::new(Vec::new());
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _late = OnDrop(|| {
            let squares = coro::iter(|handle| (1..5).for_each(|n| handle.suspend(n * n)));
            seen.borrow_mut().extend(squares.take(3));
        });
        resume_unwind(Box::new(()));
    }));
    assert!(caught.is_err());
    assert_eq!(seen.into_inner(), [1, 4, 9]);
}

fn hook() {
    static CALLS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let calls = || CALLS.load(std::sync::atomic::Ordering::SeqCst);
    std::panic::set_hook(Box::new(|_| {
        CALLS.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }));
    let panics = |handle: &SuspendHandle<(), ()>, ()| {
        handle.suspend(());
        panic_any(1_u8);
    };
    let resume_once = || {
        let mut coroutine = Coroutine::new(panics);
        coroutine.resume(());
        coroutine
    };
    // Dropped in all the ways there are: forced unwinds only.
    drop(resume_once());
    let mut items = coro::iter(|handle| handle.suspend(()));
    items.next();
    drop(items);
    coro::scope(|s| {
        let mut leaked = s.coroutine(panics);
        leaked.resume(());
        std::mem::forget(leaked);
    });
    assert_eq!(calls(), 0, "a forced unwind is not heard");
    // A panic that crosses is heard once, where it begins.
    let mut coroutine = resume_once();
    let caught = catch_unwind(AssertUnwindSafe(|| coroutine.resume(())));
    assert_eq!(*caught.unwrap_err().downcast::<u8>().unwrap(), 1);
    assert_eq!(calls(), 1);
    // And also between a forced unwind's beginning and its end.
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
        let _late = OnDrop(|| drop(catch_unwind(|| panic_any(2_u8))));
        handle.suspend(());
    });
    coroutine.resume(());
    drop(coroutine);
    assert_eq!(calls(), 2);
    assert!(catch_unwind(|| panic_any(3_u8)).is_err());
    assert_eq!(calls(), 3, "the hook is still in its place");
}

#[test]
fn the_hook_hears_panics_and_no_forced_unwind() {
    run("hook").assert_success(&[]);
}

fn silent() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
        let caught = catch_unwind(AssertUnwindSafe(|| handle.suspend(())));
        let payload = caught.unwrap_err();
        assert!(is_forced_unwind(&*payload));
        resume_unwind(payload);
    });
    println!("begin");
    coroutine.resume(());
    drop(coroutine);
    println!("end");
}

#[test]
fn a_forced_unwind_prints_nothing() {
    run("silent").assert_success(&["begin\nend\n"]);
    assert!(!run("silent").output.contains("panicked"));
}

#[test]
fn a_stashed_forced_unwind_is_an_ordinary_panic_in_plain_code() {
    let stash = Rc::new(Cell::new(None));
    let inside = stash.clone();
    let mut coroutine = Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
        inside.set(catch_unwind(AssertUnwindSafe(|| handle.suspend(()))).err());
    });
    coroutine.resume(());
    drop(coroutine);
    let payload = stash.take().expect("stashed");
    let caught = catch_unwind(AssertUnwindSafe(|| resume_unwind(payload)));
    assert!(is_forced_unwind(&*caught.unwrap_err()));
    assert!(!is_forced_unwind(&"an ordinary payload"));
}
