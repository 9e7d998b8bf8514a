//! Stacks of all sizes, and none.

use coro::{Coroutine, CoroutineState, MIN_STACK_SIZE, SuspendHandle};
use sure_stack::{GuardedMmapStack, PooledStack, Stack, StackError};

fn nothing(_: &SuspendHandle<(), ()>, (): ()) {}

fn sized(bytes: usize) -> Result<Coroutine<(), (), ()>, StackError> {
    Coroutine::builder().stack_size(bytes).build(nothing)
}

#[test]
fn impossible_sizes_are_errors() {
    for bytes in [
        0,
        usize::MAX,
        usize::MAX - 4096,
        isize::MAX as usize + 1,
        isize::MAX as usize,
    ] {
        match sized(bytes) {
            Err(StackError::InvalidSize { .. }) => {}
            other => panic!("{bytes}: {other:?}"),
        }
    }
}

#[test]
fn small_stacks_are_errors_that_say_what_would_do() {
    let stack = GuardedMmapStack::allocate_at_least(1).unwrap();
    assert!(
        stack.size() < MIN_STACK_SIZE,
        "the page size is {}",
        stack.size()
    );
    let error = Coroutine::try_with_stack(stack, nothing).unwrap_err();
    assert!(
        error
            .to_string()
            .contains(&format!("use at least {MIN_STACK_SIZE}")),
        "{error}"
    );
}

#[test]
fn a_return_value_must_fit_the_stack() {
    let large = |_: &SuspendHandle<(), ()>, ()| [0_u8; 200 << 10];
    match Coroutine::try_new(large) {
        Err(StackError::TooSmall { bytes, minimum }) => assert!(bytes < minimum),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_smallest_stack_holds_a_panic_with_its_message() {
    let mut coroutine = Coroutine::builder()
        .stack_size(MIN_STACK_SIZE)
        .build(|handle: &SuspendHandle<u32, ()>, n: u32| {
            handle.suspend(());
            panic!("a message with {n} and {:?}", Some(n as f64 / 3.0));
        })
        .unwrap();
    let _: CoroutineState<(), ()> = coroutine.resume(7);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| coroutine.resume(8)));
    let message = caught.unwrap_err().downcast::<String>().unwrap();
    assert_eq!(*message, "a message with 7 and Some(2.3333333333333335)");
}

#[test]
fn stacks_are_reused() {
    std::thread::spawn(|| {
        let base = |coroutine: Coroutine<(), (), ()>| {
            let mut coroutine = coroutine;
            coroutine.resume(());
            coroutine.into_stack().unwrap().base()
        };
        let first = base(Coroutine::new(nothing));
        assert_eq!(PooledStack::kept(), 1);
        for _ in 0..10 {
            assert_eq!(base(Coroutine::new(nothing)), first);
        }
        assert_eq!(PooledStack::kept(), 1);
    })
    .join()
    .unwrap();
}

#[test]
fn a_stack_in_a_box_is_a_stack() {
    let stack: Box<dyn Stack> = Box::new(GuardedMmapStack::allocate_at_least(64 << 10).unwrap());
    let mut coroutine = Coroutine::with_stack(stack, |handle: &SuspendHandle<(), u8>, ()| {
        handle.suspend(1);
    });
    assert_eq!(coroutine.resume(()), CoroutineState::Yielded(1));
}

#[test]
fn deep_recursion_fits_a_large_stack() {
    #[inline(never)]
    fn sum(handle: &SuspendHandle<(), ()>, n: u64) -> u64 {
        if n.is_multiple_of(1_000) {
            handle.suspend(());
        }
        if n == 0 {
            0
        } else {
            std::hint::black_box(n) + sum(handle, n - 1)
        }
    }
    let mut coroutine = Coroutine::builder()
        .stack_size(64 << 20)
        .build(|handle: &SuspendHandle<(), ()>, ()| sum(handle, 50_000))
        .unwrap();
    loop {
        if let CoroutineState::Complete(total) = coroutine.resume(()) {
            assert_eq!(total, 50_000 * 50_001 / 2);
            break;
        }
    }
}
