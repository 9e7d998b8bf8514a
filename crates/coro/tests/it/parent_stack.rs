//! Closures that a coroutine calls on its resumer's stack.

use coro::{Coroutine, CoroutineState, MIN_STACK_SIZE, SuspendHandle, grow};
use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use sure_stack::{GuardedMmapStack, Stack, stack_at};
use testing::{Drops, OnDrop};

/// Which stack the caller stands on, by its lowest address.
fn here() -> usize {
    let local = 0_u8;
    stack_at(black_box(&raw const local)).map_or(0, |stack| stack.start)
}

fn message<R>(f: impl FnOnce() -> R) -> String {
    let caught = catch_unwind(AssertUnwindSafe(f)).map(|_| ());
    *caught.unwrap_err().downcast::<String>().expect("a message")
}

#[test]
fn it_runs_on_the_stack_of_the_present_resumer() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), [usize; 2]>, ()| {
        loop {
            let there = handle.on_parent_stack(here);
            handle.suspend([here(), there]);
        }
    });
    let _: &Coroutine<(), [usize; 2], ()> = &coroutine;
    let outside = here();
    let [own, there] = coroutine.resume(()).yielded().unwrap();
    assert_eq!(there, outside);
    assert_ne!(own, outside);
    // Another resumer, on another stack.
    let mut stack = GuardedMmapStack::allocate_at_least(64 << 10).unwrap();
    let limit = stack.limit().addr().get();
    let seen = coro::on_stack(&mut stack, || coroutine.resume(()).yielded().unwrap());
    assert_eq!(seen, [own, limit]);
}

#[test]
fn the_resumers_frames_are_not_touched() {
    #[inline(never)]
    fn fill(depth: usize) -> usize {
        let bytes = black_box([0xAA_u8; 1000]);
        let below = if depth == 0 { 0 } else { fill(depth - 1) };
        below + bytes.iter().map(|&byte| usize::from(byte)).sum::<usize>() / 1000
    }
    let builder = Coroutine::builder().stack_size(MIN_STACK_SIZE);
    let mut coroutine = builder
        .build(|handle: &SuspendHandle<usize, usize>, mut depth| {
            loop {
                let sum = handle.on_parent_stack(|| fill(depth));
                depth = handle.suspend(sum);
            }
        })
        .unwrap();
    let _: &Coroutine<usize, usize, ()> = &coroutine;
    #[inline(never)]
    fn resume_with_locals(coroutine: &mut Coroutine<usize, usize, ()>, depth: usize) {
        let locals: [usize; 64] = std::array::from_fn(|i| black_box(i * depth));
        let numbers = [1.5 * depth as f64, 2.5, 3.5].map(black_box);
        assert_eq!(coroutine.resume(depth).yielded(), Some((depth + 1) * 0xAA));
        assert!((0..64).all(|i| black_box(locals)[i] == i * depth));
        assert_eq!(numbers, [1.5 * depth as f64, 2.5, 3.5]);
    }
    for depth in [0, 1, 5, 40, 100] {
        resume_with_locals(&mut coroutine, depth);
    }
}

#[test]
fn it_borrows_and_nests() {
    let log = RefCell::new(Vec::new());
    coro::scope(|s| {
        let mut outer = s.coroutine(|outer: &SuspendHandle<(), ()>, ()| {
            let on_outer = here();
            coro::scope(|s| {
                let mut inner = s.coroutine(|inner: &SuspendHandle<(), ()>, ()| {
                    inner.on_parent_stack(|| {
                        assert_eq!(here(), on_outer);
                        log.borrow_mut().push("on the outer coroutine's stack");
                        // That is where the outer one's handle works.
                        outer.on_parent_stack(|| log.borrow_mut().push("on the thread's stack"));
                        // And where the inner one's does not.
                        let said = message(|| inner.on_parent_stack(|| ()));
                        assert!(said.contains("does not run on its own"), "{said}");
                        let said = message(|| inner.suspend(()));
                        assert!(said.contains("not run on its own stack"), "{said}");
                    });
                    let said = message(|| outer.on_parent_stack(|| ()));
                    assert!(said.contains("does not run on its own"), "{said}");
                    inner.suspend(());
                    log.borrow_mut().push("inside");
                });
                inner.resume(());
                inner.resume(());
            });
        });
        outer.resume(());
    });
    let log = log.into_inner();
    assert_eq!(
        log,
        [
            "on the outer coroutine's stack",
            "on the thread's stack",
            "inside"
        ]
    );
}

#[test]
fn the_closure_suspends_an_outer_coroutine_with_all_that_runs_in_it() {
    for finish in [true, false] {
        let drops = Drops::new();
        let inside = drops.clone();
        let mut outer = Coroutine::new(move |outer: &SuspendHandle<u32, u32>, first: u32| {
            coro::scope(|s| {
                let mut inner = s.coroutine(|inner: &SuspendHandle<(), u32>, ()| {
                    let _on_the_inner_one = inside.make();
                    let second = inner.on_parent_stack(|| {
                        let _on_the_outer_one = inside.make();
                        outer.suspend(first + 1)
                    });
                    inner.suspend(second * 2);
                    7
                });
                let doubled = inner.resume(()).yielded().unwrap();
                let third = outer.suspend(doubled);
                third + inner.resume(()).complete().unwrap()
            })
        });
        assert_eq!(outer.resume(1), CoroutineState::Yielded(2));
        assert_eq!(drops.alive(), 2);
        if finish {
            assert_eq!(outer.resume(10), CoroutineState::Yielded(20));
            assert_eq!(drops.alive(), 1);
            assert_eq!(outer.resume(100), CoroutineState::Complete(107));
        }
        drop(outer);
        assert_eq!((drops.alive(), drops.dropped()), (0, 2));
    }
}

#[test]
fn panics_cross_with_a_whole_backtrace() {
    #[inline(never)]
    fn the_coroutine_itself(handle: &SuspendHandle<(), ()>, trace: &RefCell<String>) {
        handle.on_parent_stack(|| {
            *trace.borrow_mut() = Backtrace::force_capture().to_string();
            resume_unwind(Box::new(42_u8));
        });
        black_box(trace);
    }
    #[inline(never)]
    fn the_resumer_itself() {
        let trace = RefCell::new(String::new());
        let caught = coro::scope(|s| {
            let mut coroutine = s.coroutine(|handle, ()| the_coroutine_itself(handle, &trace));
            catch_unwind(AssertUnwindSafe(|| {
                coroutine.resume(());
            }))
        });
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&42_u8));
        let trace = trace.into_inner();
        let inside = trace
            .find("the_coroutine_itself")
            .unwrap_or_else(|| panic!("{trace}"));
        let outside = trace
            .rfind("the_resumer_itself")
            .unwrap_or_else(|| panic!("{trace}"));
        assert!(inside < outside, "{trace}");
    }
    the_resumer_itself();
}

#[test]
fn a_panic_that_is_caught_inside_leaves_the_coroutine_going() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), u8>, ()| {
        for n in 0..3 {
            let caught = catch_unwind(AssertUnwindSafe(|| {
                handle.on_parent_stack(|| std::panic::panic_any(n as u8));
            }));
            handle.suspend(*caught.unwrap_err().downcast::<u8>().unwrap());
        }
    });
    for n in 0..3 {
        assert_eq!(coroutine.resume(()), CoroutineState::Yielded(n));
    }
}

#[test]
fn in_a_destructor_of_a_dropped_one_it_runs_in_place() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
        let own = here();
        let _late = OnDrop(|| assert_eq!(handle.on_parent_stack(here), own));
        handle.suspend(());
    });
    coroutine.resume(());
    drop(coroutine);
}

#[test]
fn from_a_growth_it_is_the_resumers_stack_all_the_same() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
        grow(64 << 10, || handle.on_parent_stack(here))
    });
    assert_eq!(coroutine.resume(()), CoroutineState::Complete(here()));
}
