//! Stack that is added in the middle of a call, and coroutines that are suspended there.

use coro::{
    Coroutine, CoroutineState, LendingCoroutine, LendingHandle, MIN_STACK_SIZE, SuspendHandle,
    grow, maybe_grow, remaining_stack,
};
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::thread;
use sure_stack::{GuardedMmapStack, Stack};
use testing::{Drops, OnDrop, Random, cases};

const RED_ZONE: usize = 24 << 10;
const SIZE: usize = 64 << 10;

/// As deep as it says, with frames of some size.
#[inline(never)]
fn depth(n: u64) -> u64 {
    maybe_grow(RED_ZONE, SIZE, || match black_box(n) {
        0 => 0,
        n => 1 + black_box(depth(n - 1)),
    })
}

/// Where it is called. (AddressSanitizer may give a local variable a place that is not on the stack.)
#[inline(never)]
fn address() -> usize {
    sure_context::stack_pointer().addr()
}

/// Runs a test on a thread of its own: what it has kept is its own then.
fn alone(test: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(256 << 10).spawn(test);
    thread.unwrap().join().unwrap();
}

fn message<R>(f: impl FnOnce() -> R) -> String {
    let caught = catch_unwind(AssertUnwindSafe(f)).map(|_| ());
    *caught.unwrap_err().downcast::<String>().expect("a message")
}

#[test]
fn recursion_is_as_deep_as_it_likes() {
    // Some ten times the stack of the thread, and of the coroutine.
    alone(|| assert_eq!(depth(20_000), 20_000));
    let stack = GuardedMmapStack::allocate_at_least(2 * MIN_STACK_SIZE).unwrap();
    let mut small = Coroutine::with_stack(stack, |handle: &SuspendHandle<u64, u64>, n| {
        handle.suspend(depth(n));
    });
    assert_eq!(small.resume(20_000), CoroutineState::Yielded(20_000));
    assert_eq!(small.resume(0), CoroutineState::Complete(()));
}

#[test]
fn what_remains_is_known_on_every_stack_of_ours() {
    alone(|| {
        let left = remaining_stack().unwrap();
        assert!((100 << 10..=256 << 10).contains(&left), "{left}");
        grow(SIZE, || {
            let left = remaining_stack().unwrap();
            assert!((SIZE / 2..SIZE + (16 << 10)).contains(&left), "{left}");
        });
        // As far as the thread's stack goes.
        let local = [0_u8; 20 << 10];
        let less = remaining_stack().unwrap();
        black_box(&local);
        assert!(less <= left, "{less} {left}");
    });
    let mut pooled = Coroutine::new(|_: &SuspendHandle<(), ()>, ()| remaining_stack().unwrap());
    let left = pooled.resume(()).complete().unwrap();
    assert!((200 << 10..300 << 10).contains(&left), "{left}");
}

/// Memory of the program's own, which the library is not told of.
struct Foreign(Box<[u128]>);
// SAFETY: the memory is owned and stays where it is. It has no guard; the test that uses it
// needs less than there is.
unsafe impl Stack for Foreign {
    fn base(&self) -> std::ptr::NonNull<u8> {
        std::ptr::NonNull::new(self.0.as_ptr_range().end.cast_mut())
            .unwrap()
            .cast()
    }
    fn limit(&self) -> std::ptr::NonNull<u8> {
        std::ptr::NonNull::new(self.0.as_ptr().cast_mut())
            .unwrap()
            .cast()
    }
}

#[test]
fn a_stack_that_is_not_known_is_grown() {
    let memory = Foreign(vec![0; 64 << 10].into());
    let mut coroutine = Coroutine::with_stack(memory, |handle: &SuspendHandle<(), bool>, ()| {
        assert_eq!(remaining_stack(), None);
        let outside = address();
        maybe_grow(1, SIZE, || {
            assert!(remaining_stack().is_some());
            handle.suspend(outside.abs_diff(address()) > 4 << 10);
        });
    });
    assert_eq!(coroutine.resume(()), CoroutineState::Yielded(true));
    assert_eq!(coroutine.resume(()), CoroutineState::Complete(()));
}

#[test]
fn stacks_are_kept_up_to_a_bound() {
    alone(|| {
        let first = grow(SIZE, address);
        assert_eq!(grow(SIZE, address), first);
        // A smaller one is not taken for a larger one; a larger one may serve.
        let large = grow(4 * SIZE, address);
        assert!(large.abs_diff(first) >= SIZE / 2);
        assert_eq!(grow(SIZE, address), large, "the one that was kept last");
        // A panic gives back, too.
        let caught = catch_unwind(|| grow(SIZE, || resume_unwind(Box::new(()))));
        assert!(caught.is_err());
        assert_eq!(grow(SIZE, address), large);
        // Two at the same time are two.
        grow(SIZE, || {
            let (outer, inner) = (address(), grow(SIZE, address));
            assert!(outer.abs_diff(inner) >= SIZE / 2);
        });
    });
}

#[test]
fn what_is_too_large_is_refused_by_a_panic() {
    let said = message(|| grow(usize::MAX, || ()));
    assert!(said.starts_with("no stack to grow by: "), "{said}");
}

#[test]
fn large_closures_and_results_find_room() {
    let large = [7_u8; 30_000];
    let moved = grow(1, move || {
        black_box(&large);
        large
    });
    assert_eq!(moved, [7; 30_000]);
}

/// Suspends in each of many depths.
fn walk(handle: &SuspendHandle<u64, u64>, drops: &Drops, n: u64) -> u64 {
    let _counted = drops.make();
    let answer = handle.suspend(n);
    let deeper = match n {
        0 => 0,
        _ => grow(SIZE, || walk(handle, drops, n - 1)),
    };
    answer + handle.suspend(n) + deeper
}

#[test]
fn a_coroutine_suspends_wherever_it_has_grown() {
    let drops = Drops::new();
    let inside = drops.clone();
    let mut coroutine = Coroutine::new(move |handle: &_, _| walk(handle, &inside, 30));
    let mut seen = Vec::new();
    while let CoroutineState::Yielded(n) = coroutine.resume(1) {
        seen.push(n);
    }
    let expected: Vec<u64> = (0..=30).rev().chain(0..=30).collect();
    assert_eq!(seen, expected);
    assert_eq!((drops.alive(), drops.dropped()), (0, 31));
}

#[test]
fn a_coroutine_is_dropped_wherever_it_has_grown() {
    for steps in [1, 2, 15, 31, 32, 50, 61] {
        let drops = Drops::new();
        let inside = drops.clone();
        let mut coroutine = Coroutine::new(move |handle: &_, _| walk(handle, &inside, 30));
        for _ in 0..steps {
            coroutine.resume(1);
        }
        let alive = drops.alive();
        assert!(alive > 0);
        drop(coroutine);
        assert_eq!(drops.alive(), 0);
        assert_eq!(depth(100), 100);
    }
}

#[test]
fn many_grow_and_end_in_any_order() {
    let mut random = Random::new(7);
    for _ in 0..cases(10) {
        let drops = Drops::new();
        let mut all: Vec<_> = (0..20)
            .map(|n| {
                let drops = drops.clone();
                Coroutine::new(move |handle: &_, _| walk(handle, &drops, n % 7))
            })
            .collect();
        while !all.is_empty() {
            let index = random.below(all.len());
            let ended = all[index].resume(1).complete().is_some();
            if ended || random.below(40) == 0 {
                drop(all.swap_remove(index));
            }
        }
        assert_eq!(drops.alive(), 0);
    }
}

#[test]
fn a_handle_works_on_growths_of_its_own_stack_only() {
    let refused = |handle: &SuspendHandle<(), u32>| {
        let said = message(|| handle.suspend(99));
        assert!(said.contains("not run on its own stack"), "{said}");
    };
    let mut outer = Coroutine::new(move |handle: &SuspendHandle<(), u32>, ()| {
        grow(SIZE, || {
            coro::scope(|s| {
                let mut inner = s.coroutine(|own: &SuspendHandle<(), u32>, ()| {
                    refused(handle);
                    // A growth of the inner one, which stands on a growth of the outer one.
                    grow(SIZE, || {
                        refused(handle);
                        own.suspend(1);
                        refused(handle);
                    });
                    refused(handle);
                });
                assert_eq!(inner.resume(()), CoroutineState::Yielded(1));
                handle.suspend(2);
                assert_eq!(inner.resume(()), CoroutineState::Complete(()));
            });
            // Another stack, from a growth: as anywhere else.
            let mut stack = GuardedMmapStack::allocate_at_least(SIZE).unwrap();
            coro::on_stack(&mut stack, || {
                refused(handle);
                // A growth of a foreign stack is foreign.
                grow(SIZE, || refused(handle));
            });
            handle.suspend(3);
        });
    });
    for n in 2..=3 {
        assert_eq!(outer.resume(()), CoroutineState::Yielded(n));
        // The resumer's own growth, while the coroutine is suspended on one.
        assert_eq!(grow(SIZE, || 5), 5);
    }
    assert_eq!(outer.resume(()), CoroutineState::Complete(()));
}

/// A stack by which the outer coroutine has grown is unmapped, and its addresses become
/// those of an inner coroutine's stack.
#[test]
fn a_growth_that_is_over_is_forgotten() {
    const LARGE: usize = 20 << 20;
    let mut outer = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
        let mut same = 0;
        for _ in 0..10 {
            let there = grow(LARGE, address);
            coro::scope(|s| {
                let builder = Coroutine::builder().stack_size(LARGE);
                let inner = builder.build_scoped(s, |_: &SuspendHandle<(), ()>, ()| {
                    same += usize::from(address().abs_diff(there) < LARGE / 2);
                    let said = message(|| handle.suspend(()));
                    assert!(said.contains("not run on its own stack"), "{said}");
                });
                inner.unwrap().resume(());
            });
        }
        same
    });
    let same = outer
        .resume(())
        .complete()
        .expect("no inner coroutine has suspended it");
    println!("{same} of 10 stacks were where a growth had been");
}

#[test]
fn a_handle_that_was_smuggled_out_is_refused_on_growths() {
    thread_local! {
        static HANDLE: Cell<Option<*const SuspendHandle<(), ()>>> = const { Cell::new(None) };
    }
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
        HANDLE.set(Some(handle));
        grow(SIZE, || handle.suspend(()));
        HANDLE.set(None);
    });
    coroutine.resume(());
    // SAFETY: the coroutine is suspended, and its handle stays where it is.
    let handle = unsafe { &*HANDLE.get().unwrap() };
    let said = message(|| grow(SIZE, || handle.suspend(())));
    assert!(said.contains("not run on its own stack"), "{said}");
    assert_eq!(coroutine.resume(()), CoroutineState::Complete(()));
}

#[test]
fn a_suspend_after_a_swallowed_unwind_unwinds_again() {
    let reached = Rc::new(Cell::new(0));
    let inside = reached.clone();
    let mut coroutine = Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
        grow(SIZE, || {
            let caught = catch_unwind(AssertUnwindSafe(|| handle.suspend(())));
            assert!(coro::is_forced_unwind(&*caught.unwrap_err()));
            inside.set(1);
            handle.suspend(());
            inside.set(2);
        });
    });
    coroutine.resume(());
    drop(coroutine);
    assert_eq!(reached.get(), 1);
}

#[test]
fn what_is_lent_is_lent_on_growths_too() {
    let mut script = LendingCoroutine::new(|handle: &LendingHandle<Vec<u32>, ()>| {
        grow(SIZE, || {
            handle.with(|list| list.push(1));
            handle.suspend(());
            handle.with(|list| list.push(2));
        });
    });
    let (mut one, mut two) = (vec![], vec![]);
    script.resume(&mut one);
    script.resume(&mut two);
    assert_eq!((one, two), (vec![1], vec![2]));
}

#[test]
fn a_growth_that_is_leaked_stays_what_it_is() {
    let drops = Drops::new();
    let inside = drops.clone();
    let mut coroutine = Coroutine::new(move |handle: &_, _| walk(handle, &inside, 3));
    for _ in 0..4 {
        coroutine.resume(1);
    }
    std::mem::forget(coroutine);
    assert_eq!(depth(5_000), 5_000);
    assert_eq!(drops.alive(), 4);
}

#[test]
fn panics_cross_with_their_payload_and_a_whole_backtrace() {
    #[inline(never)]
    fn the_caller_below(trace: &RefCell<String>) {
        grow(SIZE, || {
            grow(SIZE, || {
                *trace.borrow_mut() = Backtrace::force_capture().to_string();
                resume_unwind(Box::new(42_u8));
            });
        });
        black_box(trace);
    }
    #[inline(never)]
    fn the_test_itself() {
        let trace = RefCell::new(String::new());
        let caught = catch_unwind(AssertUnwindSafe(|| the_caller_below(&trace)));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&42_u8));
        let trace = trace.into_inner();
        let caller = trace
            .find("the_caller_below")
            .unwrap_or_else(|| panic!("{trace}"));
        let test = trace
            .rfind("the_test_itself")
            .unwrap_or_else(|| panic!("{trace}"));
        assert!(caller < test, "{trace}");
    }
    the_test_itself();
}

#[test]
fn a_thread_ends_while_a_coroutine_waits_on_a_growth() {
    type Waiting = Coroutine<(), (), ()>;
    thread_local! {
        static WAITING: RefCell<Option<Waiting>> = const { RefCell::new(None) };
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    alone(move || {
        let mut coroutine = Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
            let _late = OnDrop(|| {
                // Thread-locals may be gone by now.
                sender.send(depth(3_000)).unwrap();
            });
            grow(SIZE, || handle.suspend(()));
        });
        // Registered for the end of the thread before what growing needs.
        WAITING.with_borrow_mut(|waiting| {
            coroutine.resume(());
            *waiting = Some(coroutine);
        });
    });
    assert_eq!(receiver.recv().unwrap(), 3_000);
}

/// `f` runs a few kilobytes further down, and not on another stack.
#[test]
fn where_there_is_room_the_stack_does_not_grow() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), usize>, ()| {
        let here = address();
        let left = remaining_stack().expect("a coroutine's stack is known");
        assert!(left > 2 * RED_ZONE, "{left}");
        handle.suspend(here.abs_diff(maybe_grow(RED_ZONE, SIZE, address)));
        handle.suspend(here.abs_diff(maybe_grow(left * 2, SIZE, address)));
    });
    let distance = coroutine.resume(()).yielded().unwrap();
    assert!(distance < RED_ZONE, "{distance}");
    let distance = coroutine.resume(()).yielded().unwrap();
    assert!(distance > RED_ZONE, "{distance}");
}
