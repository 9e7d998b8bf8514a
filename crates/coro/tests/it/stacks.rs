//! Stacks of all sizes, and none.

use coro::{Coroutine, CoroutineState, MIN_STACK_SIZE, SuspendHandle};
use std::num::NonZeroUsize;
use sure_stack::{GuardedMmapStack, PoolConfig, PooledStack, Stack, StackError};
use testing::child;

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
fn a_size_that_is_too_small_is_named_as_it_was_asked_for() {
    for bytes in [1, 100, MIN_STACK_SIZE - 1] {
        let error = sized(bytes).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("a stack of {bytes} bytes is too small; use at least {MIN_STACK_SIZE}")
        );
    }
    assert!(sized(MIN_STACK_SIZE).is_ok());
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
fn an_input_and_a_yield_must_fit_the_stack() {
    type Large = [u8; 200 << 10];
    let refused = [
        Coroutine::try_new(|_: &SuspendHandle<Large, ()>, _: Large| ()).err(),
        Coroutine::try_new(|handle: &SuspendHandle<(), Large>, ()| handle.suspend([0; 200 << 10]))
            .err(),
        Coroutine::builder()
            .build(|_: &SuspendHandle<Large, ()>, _: Large| ())
            .err(),
    ];
    for error in refused {
        match error {
            Some(StackError::TooSmall { bytes, minimum }) => {
                assert!(bytes < minimum && minimum > 2 * size_of::<Large>());
                let stack = GuardedMmapStack::allocate_at_least(minimum).unwrap();
                let large = |_: &SuspendHandle<Large, ()>, _: Large| ();
                assert!(Coroutine::try_with_stack(stack, large).is_ok());
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Whether a closure that captures this runs on its stack, and not where a box has it.
fn runs_on_its_stack<const N: usize>(captured: [u8; N]) -> bool {
    let stack = GuardedMmapStack::allocate_at_least(256 << 10).unwrap();
    assert_eq!(
        stack.size(),
        256 << 10,
        "a multiple of the page size, whatever that is"
    );
    let bounds = stack.limit().addr()..stack.base().addr();
    let mut coroutine = Coroutine::with_stack(stack, move |_: &SuspendHandle<(), ()>, ()| {
        std::hint::black_box(&captured).as_ptr().addr()
    });
    let address = coroutine.resume(()).complete().unwrap();
    bounds.contains(&NonZeroUsize::new(address).unwrap())
}

#[test]
fn a_closure_of_more_than_a_quarter_of_its_stack_is_boxed() {
    assert!(runs_on_its_stack([1; 1 << 10]));
    // A quarter, and a byte more. (In release: in debug it is moved more often than fits.)
    assert!(cfg!(debug_assertions) || runs_on_its_stack([1; 64 << 10]));
    assert!(!runs_on_its_stack([1; (64 << 10) + 1]));
}

#[test]
fn a_builder_names_the_size_that_was_asked_for() {
    match sized(100) {
        Err(StackError::TooSmall { bytes, minimum }) => {
            assert_eq!((bytes, minimum), (100, MIN_STACK_SIZE));
        }
        // A page is large here.
        Ok(_) => assert!(GuardedMmapStack::allocate_at_least(100).unwrap().size() > 100),
        other => panic!("{other:?}"),
    }
}

testing::scenarios!(scenario; panic_on_the_smallest_stack);

/// In a child, because a backtrace, for which the environment may ask, takes more.
#[test]
fn the_smallest_stack_holds_a_panic_with_its_message() {
    let quiet = [("RUST_BACKTRACE", "0"), ("RUST_LIB_BACKTRACE", "0")];
    child::run_with("stacks::scenario", "panic_on_the_smallest_stack", &quiet)
        .assert_success(&["a message with 7 and Some(2.3333333333333335)"]);
}

fn panic_on_the_smallest_stack() {
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

/// Uses `pages` pages of stack, and suspends there.
#[inline(never)]
fn use_pages(handle: &SuspendHandle<(), usize>, pages: usize) {
    let mut page = [0x5A_u8; 4096];
    std::hint::black_box(&mut page);
    if pages > 1 {
        use_pages(handle, pages - 1);
    } else {
        handle.suspend(page.as_ptr().addr());
    }
    std::hint::black_box(&page);
}

#[test]
fn the_mark_follows_a_coroutine_through_its_life() {
    let stack = GuardedMmapStack::allocate_at_least(1 << 20).unwrap();
    let base = stack.base().addr().get();
    let mut coroutine = Coroutine::with_stack(stack, |handle: &SuspendHandle<(), usize>, ()| {
        handle.suspend(0);
        use_pages(handle, 40);
        handle.suspend(0);
    });
    let created = coroutine.high_water_mark();
    assert!((1..4096).contains(&created), "the root: {created}");
    coroutine.resume(());
    let shallow = coroutine.high_water_mark();
    assert!((created..64 << 10).contains(&shallow), "{shallow}");

    let deepest = base - coroutine.resume(()).yielded().unwrap();
    let deep = coroutine.high_water_mark();
    assert!(
        deepest >= 40 * 4096 && (deepest..deepest + (8 << 10)).contains(&deep),
        "{deepest}, {deep}"
    );

    // The frames go, for which they call something more; the mark stays.
    coroutine.resume(());
    let left = coroutine.high_water_mark();
    assert!((deep..deep + 1024).contains(&left), "{deep}, {left}");
    coroutine.resume(());
    assert!(coroutine.is_complete());
    assert_eq!(coroutine.high_water_mark(), left);
    let stack = coroutine.into_stack().unwrap();
    assert_eq!(sure_stack::high_water_mark(&stack), left);
}

#[test]
fn a_coroutine_on_a_measured_stack_has_a_mark_of_its_own() {
    std::thread::spawn(|| {
        PooledStack::configure(PoolConfig::new().measure(true));
        let mark = |pages| {
            let mut coroutine = Coroutine::new(move |handle: &SuspendHandle<(), usize>, ()| {
                use_pages(handle, pages)
            });
            coroutine.resume(());
            coroutine.high_water_mark()
        };
        let small = mark(1);
        let large = mark(8);
        assert!(large > small + 7 * 4096, "{small}, {large}");
        // Dropped while suspended, the coroutines were unwound, which takes more stack.
        let usage = PooledStack::usage();
        assert_eq!(usage.count(), 2);
        assert!(usage.largest() >= large);
        assert!(mark(1).abs_diff(small) < 64, "{small}");

        coro::scope(|s| {
            let mut scoped =
                s.coroutine(|handle: &SuspendHandle<(), usize>, ()| use_pages(handle, 8));
            scoped.resume(());
            assert!(scoped.high_water_mark().unwrap().abs_diff(large) < 4096);
        });
    })
    .join()
    .unwrap();
}
