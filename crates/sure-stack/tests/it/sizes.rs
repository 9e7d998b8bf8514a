//! Bounds and sizes.

use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::collections::HashSet;
use sure_stack::{DEFAULT_STACK_SIZE, GuardedMmapStack, PooledStack, Stack, StackError};

assert_impl_all!(GuardedMmapStack: Send, Sync);
assert_impl_all!(PooledStack: Send, Sync);
assert_impl_all!(StackError: Send, Sync, std::error::Error);
// A leaked borrower would go on using memory that its owner gets back.
assert_not_impl_any!(&mut GuardedMmapStack: Stack);
assert_not_impl_any!(GuardedMmapStack: Clone);
assert_not_impl_any!(PooledStack: Clone);

/// Writes and reads every page, and the last byte at either end.
fn use_all_of(stack: &impl Stack) {
    let (limit, size) = (stack.limit().as_ptr(), stack.size());
    for offset in (0..size).step_by(4096).chain([size - 1]) {
        // SAFETY: inside the stack, on which nothing runs.
        unsafe {
            let byte = limit.add(offset);
            byte.write_volatile(0xA5);
            assert_eq!(byte.read_volatile(), 0xA5);
        }
    }
}

#[test]
fn sizes_are_rounded_up_to_pages() {
    let page = GuardedMmapStack::allocate_at_least(1).unwrap().size();
    assert!(page.is_power_of_two() && page >= 4096);
    for (bytes, pages) in [
        (1, 1),
        (page - 1, 1),
        (page, 1),
        (page + 1, 2),
        (10 * page, 10),
    ] {
        let stack = GuardedMmapStack::allocate_at_least(bytes).unwrap();
        assert_eq!(stack.size(), pages * page);
        assert!(stack.base().addr().get().is_multiple_of(page));
        use_all_of(&stack);
    }
    use_all_of(&GuardedMmapStack::allocate_at_least(DEFAULT_STACK_SIZE).unwrap());
}

#[test]
fn impossible_sizes_are_errors() {
    let most = isize::MAX as usize;
    for bytes in [0, most, most + 1, usize::MAX - 4096, usize::MAX] {
        for error in [
            GuardedMmapStack::allocate_at_least(bytes)
                .map(drop)
                .unwrap_err(),
            PooledStack::allocate_at_least(bytes).map(drop).unwrap_err(),
        ] {
            assert!(
                matches!(error, StackError::InvalidSize { .. }),
                "{bytes}: {error:?}"
            );
            assert!(
                error.to_string().starts_with("a stack cannot have"),
                "{error}"
            );
        }
    }
}

#[test]
fn a_mapping_that_the_system_refuses_is_an_error() {
    // More than any address space has room for, and yet a valid size.
    let error = GuardedMmapStack::allocate_at_least(isize::MAX as usize / 2 - (4 << 20));
    match error {
        Err(error @ StackError::Map { .. }) => {
            assert!(std::error::Error::source(&error).is_some());
            assert!(error.to_string().starts_with("no mapping of"), "{error}");
        }
        // A 32-bit system may have that much.
        Ok(_) if cfg!(target_pointer_width = "32") => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn pooled_stacks_have_at_least_the_size_asked_for() {
    for bytes in [
        1,
        4096,
        100_000,
        DEFAULT_STACK_SIZE,
        DEFAULT_STACK_SIZE + 1,
        3 << 20,
    ] {
        let stack = PooledStack::allocate_at_least(bytes).unwrap();
        assert!(stack.size() >= bytes);
        use_all_of(&stack);
    }
    assert!(PooledStack::new().unwrap().size() >= DEFAULT_STACK_SIZE);
}

#[test]
fn pooled_stacks_begin_at_different_cache_sets() {
    let stacks: Vec<_> = (0..64).map(|_| PooledStack::new().unwrap()).collect();
    let offsets: HashSet<usize> = stacks
        .iter()
        .map(|stack| stack.base().addr().get() % 4096)
        .collect();
    assert!(offsets.len() >= 8, "{offsets:?}");
    assert!(offsets.iter().all(|offset| offset % 128 == 0));
}

#[test]
fn a_stack_keeps_its_bounds_when_it_moves() {
    let stack = GuardedMmapStack::allocate_at_least(1).unwrap();
    let bounds = (stack.limit(), stack.base());
    let boxed: Box<dyn Stack> = Box::new(stack);
    assert_eq!((boxed.limit(), boxed.base()), bounds);
    assert_eq!(boxed.size(), bounds.1.addr().get() - bounds.0.addr().get());
}
