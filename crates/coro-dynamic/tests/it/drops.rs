//! Dropping: what is unwound, what is handed back, what is leaked.

use crate::kinds::{Kind, deeper, each};
use coro::Coroutine;
use coro_dynamic::{
    CoroutineState, DynamicCoroutine, DynamicHandle, Refusal, is_forced_unwind, leaked,
};
use std::cell::RefCell;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use testing::{Drops, OnDrop, child, scenarios};

/// The count of leaked coroutines is the process's.
static COUNT: Mutex<()> = Mutex::new(());

fn with_count<R>(f: impl FnOnce() -> R) -> (R, usize) {
    let _alone = COUNT
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let before = leaked();
    let result = f();
    (result, leaked() - before)
}

type Plain = DynamicCoroutine<(), (), ()>;

/// Suspended some calls down, with a counted local in each.
fn suspended(kind: &Kind, drops: &Drops, calls: usize) -> Plain {
    fn dive(handle: &DynamicHandle<(), ()>, drops: &Drops, calls: usize) {
        let _local = drops.make();
        match calls {
            0 => handle.suspend(()),
            _ => dive(handle, drops, calls - 1),
        }
    }
    let made = drops.clone();
    let captured = drops.make();
    let mut coroutine = kind.make(move |handle, ()| {
        let _captured = captured;
        dive(handle, &made, calls);
    });
    assert_eq!(coroutine.resume(()), CoroutineState::Yielded(()));
    coroutine
}

#[test]
fn every_local_is_dropped() {
    each(|kind| {
        for from in [0, 50] {
            let drops = Drops::new();
            let coroutine = suspended(kind, &drops, 10);
            assert_eq!(drops.alive(), 12);
            let mut coroutine = Some(coroutine);
            deeper(from, &mut || drop(coroutine.take()));
            assert_eq!((drops.alive(), drops.dropped()), (0, 12));
        }
    });
}

#[test]
fn a_created_one_drops_its_closure() {
    each(|kind| {
        let drops = Drops::new();
        let captured = drops.make();
        let coroutine = kind.make(move |handle: &DynamicHandle<(), ()>, ()| {
            handle.suspend(());
            drop(captured);
        });
        drop(coroutine);
        assert_eq!((drops.alive(), drops.dropped()), (0, 1));
    });
}

#[test]
fn a_body_may_swallow_the_unwind_and_return() {
    each(|kind| {
        let drops = Drops::new();
        let made = drops.clone();
        let mut coroutine = kind.make(move |handle, ()| {
            let caught = catch_unwind(AssertUnwindSafe(|| handle.suspend(())));
            assert!(is_forced_unwind(&*caught.expect_err("dropped")));
            [made.make(), made.make(), made.make(), made.make()]
        });
        let _ = coroutine.resume(());
        drop(coroutine);
        assert_eq!((drops.alive(), drops.dropped()), (0, 4));
    });
}

#[test]
fn a_destructor_that_panics_goes_on_in_the_dropper() {
    each(|kind| {
        for through_unwind in [false, true] {
            let mut coroutine: Plain = kind.make(|handle, ()| {
                let caught = catch_unwind(AssertUnwindSafe(|| handle.suspend(())));
                drop(caught);
                resume_unwind(Box::new("instead"));
            });
            let _ = coroutine.resume(());
            let payload = catch_unwind(AssertUnwindSafe(|| {
                if through_unwind {
                    coroutine.unwind().expect("its frames can be put back");
                } else {
                    drop(coroutine);
                }
            }));
            let payload = payload.expect_err("it panics");
            assert_eq!(payload.downcast_ref::<&str>(), Some(&"instead"));
        }
    });
}

/// A coroutine in the frames of another: the inner is unwound by the outer's unwind.
#[test]
fn an_outer_one_takes_its_inner_one_along() {
    each(|kind| {
        let drops = Drops::new();
        let (inner_kind, made) = (kind.clone(), drops.clone());
        let mut outer = kind.make(move |handle: &DynamicHandle<(), ()>, ()| {
            let inner = suspended(&inner_kind, &made, 5);
            handle.suspend(());
            drop(inner);
        });
        let _ = outer.resume(());
        assert_eq!(drops.alive(), 7);
        let mut outer = Some(outer);
        deeper(30, &mut || drop(outer.take()));
        assert_eq!(drops.alive(), 0);
    });
}

/// On another stack nothing can be put back: returned by `unwind`, leaked by `drop`.
#[test]
fn inside_another_coroutine() {
    let drops = Drops::new();
    let coroutine = suspended(&Kind::Thread, &drops, 3);
    let (_, count) = with_count(|| {
        let mut other = Coroutine::new(move |_: &coro::SuspendHandle<(), ()>, ()| {
            let error = coroutine.unwind().expect_err("another stack");
            assert_eq!(error.refusal(), Refusal::OtherStack);
            assert!(error.to_string().contains("another stack"), "{error}");
            let cause = error.source().expect("the refusal").to_string();
            assert_eq!(cause, Refusal::OtherStack.to_string());
            error.into_coroutine()
        });
        let coroutine = other.resume(()).complete().expect("it returns");
        assert_eq!(coroutine.status(), coro_dynamic::Status::Suspended);
        let mut third = Coroutine::new(move |_: &coro::SuspendHandle<(), ()>, ()| drop(coroutine));
        assert!(third.resume(()).complete().is_some());
    });
    assert_eq!(count, 1);
    assert_eq!(drops.alive(), 5, "no destructor has run");
}

/// The coroutine in which another one was made and first resumed is gone; the
/// addresses are the thread's, and can be used all the same.
#[test]
fn after_the_coroutine_around_it_has_ended() {
    each(|kind| {
        let drops = Drops::new();
        let (inner_kind, made) = (kind.clone(), drops.clone());
        let mut outer =
            kind.make(move |_: &DynamicHandle<(), ()>, ()| suspended(&inner_kind, &made, 4));
        let inner = outer.resume(()).complete().expect("it returns");
        drop(outer);
        assert_eq!(drops.alive(), 6);
        let (_, count) = with_count(|| drop(inner));
        assert_eq!((drops.alive(), count), (0, 0));
    });
}

/// In a thread-local that is destroyed when its thread ends.
#[test]
fn in_a_destructor_of_a_thread_local() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static EARLY: RefCell<Option<Plain>> = const { RefCell::new(None) };
        static LATE: RefCell<Option<Plain>> = const { RefCell::new(None) };
    }
    fn guarded() -> Plain {
        let mut coroutine = Kind::Thread.make(|handle, ()| {
            let _guard = OnDrop(|| {
                DROPPED.fetch_add(1, Ordering::Relaxed);
            });
            handle.suspend(());
        });
        let _ = coroutine.resume(());
        coroutine
    }
    let (_, count) = with_count(|| {
        let thread = std::thread::spawn(|| {
            // One is registered before the library's own thread-local, one after.
            EARLY.with(|early| assert!(early.borrow().is_none()));
            let coroutine = guarded();
            EARLY.set(Some(coroutine));
            LATE.set(Some(guarded()));
        });
        thread.join().expect("no panic");
    });
    assert_eq!(DROPPED.load(Ordering::Relaxed) + count, 2);
    assert_eq!(count, 0, "the thread's stack is still there");
}

#[test]
fn a_suspend_that_is_tried_returns_the_unwind() {
    each(|kind| {
        let drops = Drops::new();
        let made = drops.clone();
        let mut coroutine = kind.make(move |handle: &DynamicHandle<(), ()>, ()| {
            // In a destructor that the coroutine's own panic runs, which nothing unwinds.
            let _late = OnDrop(|| {
                let _local = made.make();
                assert!(handle.try_suspend(()).is_err());
                assert!(handle.try_suspend(()).is_err(), "and again");
            });
            resume_unwind(Box::new("own"));
        });
        let state: CoroutineState<(), ()> = coroutine.resume(());
        assert_eq!(state, CoroutineState::Yielded(()));
        let dropped = AssertUnwindSafe(|| drop(coroutine));
        let payload = catch_unwind(dropped).expect_err("its panic goes on");
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"own"));
        assert_eq!((drops.alive(), drops.dropped()), (0, 1));
    });
}

scenarios!(child; suspend_in_a_destructor, exit_inside, exit_inside_an_inner_one, dropped_in_its_own_panic);

fn suspend_in_a_destructor() {
    let mut coroutine = Kind::Thread.make(|handle: &DynamicHandle<(), ()>, ()| {
        let _late = OnDrop(|| handle.suspend(()));
        handle.suspend(());
    });
    let _ = coroutine.resume(());
    drop(coroutine);
}

#[test]
fn a_destructor_that_suspends_during_the_drop_aborts() {
    let ended = child::run("drops::child", "suspend_in_a_destructor");
    let message = "a dynamic coroutine is being dropped, and a destructor that the unwind of its \
                   frames runs was asked to suspend";
    ended.assert_killed(libc::SIGABRT, &[message]);
}

#[test]
fn a_suspend_after_a_swallowed_unwind_unwinds_again() {
    each(|kind| {
        for in_panic in [false, true] {
            let drops = Drops::new();
            let made = drops.clone();
            let mut coroutine = kind.make(move |handle: &DynamicHandle<(), ()>, ()| {
                for _ in 0..3 {
                    let caught = catch_unwind(AssertUnwindSafe(|| {
                        let _local = made.make();
                        handle.suspend(());
                    }));
                    let payload = caught.expect_err("it is dropped");
                    assert!(coro_dynamic::is_forced_unwind(&*payload));
                }
            });
            let _ = coroutine.resume(());
            if in_panic {
                let panics = AssertUnwindSafe(move || {
                    let _owned = coroutine;
                    resume_unwind(Box::new(()));
                });
                assert!(catch_unwind(panics).is_err());
            } else {
                drop(coroutine);
            }
            assert_eq!((drops.alive(), drops.dropped()), (0, 3));
        }
    });
}

fn dropped_in_its_own_panic() {
    let mut coroutine = Kind::Thread.make(|handle: &DynamicHandle<(), ()>, ()| {
        let _late = OnDrop(|| handle.suspend(()));
        resume_unwind(Box::new(()));
    });
    let state: CoroutineState<(), ()> = coroutine.resume(());
    println!("suspended: {state:?}");
    drop(coroutine);
}

#[test]
fn dropped_while_it_is_suspended_in_its_own_panic_it_aborts() {
    let ended = child::run("drops::child", "dropped_in_its_own_panic");
    let message = "panic in a destructor during cleanup";
    ended.assert_killed(libc::SIGABRT, &["suspended: Yielded(())", message]);
}

/// Exits from inside of a coroutine that a thread-local keeps.
fn exit_inside_of(f: fn(&DynamicHandle<(), ()>, ())) {
    thread_local!(static OWN: RefCell<Option<Plain>> = const { RefCell::new(None) });
    OWN.with(|own| {
        let mut own = own.borrow_mut();
        own.insert(Kind::Thread.make(f)).resume(());
    });
}

fn exit_inside() {
    exit_inside_of(|_, ()| std::process::exit(42));
}

fn exit_inside_an_inner_one() {
    exit_inside_of(|_, ()| {
        let mut inner =
            Kind::Thread.make(|_: &DynamicHandle<(), ()>, ()| -> () { std::process::exit(43) });
        let _ = inner.resume(());
    });
}

#[test]
fn a_process_exits_inside_of_a_coroutine_that_a_thread_local_keeps() {
    for (scenario, code) in [("exit_inside", 42), ("exit_inside_an_inner_one", 43)] {
        let ended = child::run("drops::child", scenario);
        assert_eq!(ended.status.code(), Some(code), "{ended}");
    }
}

/// How many bytes of memory the process has: `statm` of proc(5).
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = text.split(' ').nth(1).unwrap().parse().unwrap();
    // The least that a page has.
    pages * 4096
}

#[cfg(target_os = "linux")]
#[test]
fn the_block_of_one_that_never_began_is_used_again() {
    const MANY: usize = 8000;
    each(|kind| {
        let captured = [1_u8; 8 << 10];
        let before = resident();
        for _ in 0..MANY {
            drop::<Plain>(kind.make(move |_, ()| _ = std::hint::black_box(captured)));
        }
        let more = resident().saturating_sub(before);
        assert!(more < MANY * size_of_val(&captured) / 2, "{more}");
    });
}
