//! Closures that run on another stack.

use coro::{Coroutine, CoroutineState, MIN_STACK_SIZE, SuspendHandle, on_stack};
use std::backtrace::Backtrace;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use sure_stack::{GuardedMmapStack, PooledStack, Stack};
use testing::Drops;

fn stack(bytes: usize) -> GuardedMmapStack {
    GuardedMmapStack::allocate_at_least(bytes).unwrap()
}

/// Whether the caller stands on the given stack.
fn stands_on(bounds: &std::ops::Range<usize>) -> bool {
    let here = 0_u8;
    bounds.contains(&(&raw const here).addr())
}

fn bounds(stack: &impl Stack) -> std::ops::Range<usize> {
    stack.limit().addr().get()..stack.base().addr().get()
}

#[test]
fn it_borrows_and_returns_from_over_there() {
    let mut other = stack(64 << 10);
    let bounds = bounds(&other);
    let mut log = vec![String::from("before")];
    for i in 0..3 {
        let length = on_stack(&mut other, || {
            assert!(stands_on(&bounds));
            log.push(format!("call {i}"));
            log.len()
        });
        assert_eq!(length, i + 2);
        assert!(!stands_on(&bounds));
    }
    assert_eq!(log, ["before", "call 0", "call 1", "call 2"]);
}

#[test]
fn a_large_result_takes_nothing_of_the_other_stack() {
    let mut small = stack(MIN_STACK_SIZE);
    let large = on_stack(&mut small, || [7_u8; 1000]);
    assert_eq!(large, [7; 1000]);
    on_stack(&mut small, || ());
    #[repr(align(4096))]
    struct Aligned(u8);
    let aligned = on_stack(&mut stack(256 << 10), || Aligned(3));
    assert_eq!((aligned.0, (&raw const aligned).addr() % 4096), (3, 0));
}

#[test]
fn any_stack_will_do() {
    let mut pooled = PooledStack::new().unwrap();
    let mut boxed: Box<dyn Stack> = Box::new(stack(64 << 10));
    let sum = on_stack(&mut pooled, || 1 + on_stack(&mut *boxed, || 2));
    assert_eq!(sum, 3);
}

#[test]
fn recursion_deeper_than_the_thread() {
    fn sum(n: u64) -> u64 {
        let frame = std::hint::black_box([n; 16]);
        if n == 0 { 0 } else { frame[7] + sum(n - 1) }
    }
    let work = || on_stack(&mut stack(16 << 20), || sum(20_000));
    let small_thread = std::thread::Builder::new().stack_size(256 << 10);
    let total = small_thread.spawn(work).unwrap().join().unwrap();
    assert_eq!(total, 20_000 * 20_001 / 2);
}

#[test]
fn a_panic_crosses_with_its_payload_and_drops_everything_once() {
    let drops = Drops::new();
    let mut other = stack(64 << 10);
    let captured = drops.make();
    let caught = catch_unwind(AssertUnwindSafe(|| {
        on_stack(&mut other, || {
            let _captured = captured;
            let _local = drops.make();
            resume_unwind(Box::new("over there"));
        })
    }));
    let payload = caught.unwrap_err();
    assert_eq!(*payload.downcast::<&str>().unwrap(), "over there");
    assert_eq!((drops.alive(), drops.dropped()), (0, 2));
    let value = on_stack(&mut other, || drops.make());
    assert_eq!(drops.alive(), 1);
    drop(value);
    assert_eq!((drops.alive(), drops.dropped()), (0, 3));
}

#[test]
fn it_works_in_a_destructor_during_a_panic() {
    struct OnDrop<'a>(&'a mut u32);
    impl Drop for OnDrop<'_> {
        fn drop(&mut self) {
            *self.0 = on_stack(&mut stack(64 << 10), || {
                let inner = catch_unwind(|| resume_unwind(Box::new(())));
                u32::from(inner.is_err())
            });
        }
    }
    let mut seen = 0;
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _on_drop = OnDrop(&mut seen);
        resume_unwind(Box::new("outer"));
    }));
    assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "outer");
    assert_eq!(seen, 1);
}

#[test]
fn a_stack_that_is_too_small_is_refused() {
    /// The lower part of a stack.
    struct Part(GuardedMmapStack);
    // SAFETY: its bytes are some of those of the stack that it owns, down to
    // the same limit.
    unsafe impl Stack for Part {
        fn base(&self) -> std::ptr::NonNull<u8> {
            // SAFETY: inside the stack.
            unsafe { self.limit().add(MIN_STACK_SIZE - 1) }
        }
        fn limit(&self) -> std::ptr::NonNull<u8> {
            self.0.limit()
        }
    }
    let mut part = Part(stack(64 << 10));
    let refused = catch_unwind(AssertUnwindSafe(|| on_stack(&mut part, || ())));
    let message = *refused.unwrap_err().downcast::<String>().unwrap();
    assert_eq!(
        message,
        "a closure was to run on a stack of 16383 bytes, but needs 16384"
    );
}

#[test]
fn coroutines_inside_it_and_around_it() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), u32>, ()| {
        let mut other = stack(64 << 10);
        let refused = catch_unwind(AssertUnwindSafe(|| {
            on_stack(&mut other, || handle.suspend(0))
        }));
        let message = *refused.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("not run on its own stack"), "{message}");
        let sum: u32 = on_stack(&mut other, || {
            coro::iter(|inner| (1..=3).for_each(|i| inner.suspend(i))).sum()
        });
        handle.suspend(sum);
    });
    assert_eq!(coroutine.resume(()), CoroutineState::Yielded(6));
    assert_eq!(coroutine.resume(()), CoroutineState::Complete(()));
}

#[test]
fn a_backtrace_goes_through() {
    #[inline(never)]
    fn the_closures_callee() -> String {
        std::hint::black_box(Backtrace::force_capture().to_string())
    }
    #[inline(never)]
    fn the_caller_of_on_stack() -> String {
        let mut other = stack(256 << 10);
        std::hint::black_box(on_stack(&mut other, the_closures_callee))
    }
    let trace = the_caller_of_on_stack();
    let position = |name: &str| {
        trace
            .find(name)
            .unwrap_or_else(|| panic!("{name}: {trace}"))
    };
    assert!(
        position("the_closures_callee") < position("the_caller_of_on_stack"),
        "{trace}"
    );
}

#[test]
fn a_closure_that_the_stack_cannot_hold_is_refused() {
    let large = [7_u8; 100 << 10];
    let mut stack = GuardedMmapStack::allocate_at_least(64 << 10).unwrap();
    let too_large = AssertUnwindSafe(|| coro::on_stack(&mut stack, move || large[5]));
    let message = catch_unwind(too_large).unwrap_err();
    let message = message.downcast::<String>().unwrap();
    assert!(message.contains("but needs"), "{message}");
    let too_large = AssertUnwindSafe(|| coro::on_stack(&mut stack, || [7_u8; 100 << 10]));
    assert!(catch_unwind(too_large).is_err());
    assert_eq!(
        coro::on_stack(&mut stack, || large[5]),
        7,
        "borrowed, it may be as large as it is"
    );
}
