//! Stacks that come back.

use std::cell::RefCell;
use sure_stack::{DEFAULT_STACK_SIZE, PoolConfig, PooledStack, Stack};

/// Runs in a thread of its own, which begins with an empty pool.
fn in_fresh_thread(f: impl FnOnce() + Send) {
    std::thread::scope(|scope| scope.spawn(f).join().unwrap());
}

#[test]
fn the_last_one_returned_is_taken_first() {
    in_fresh_thread(|| {
        let (a, b) = (PooledStack::new().unwrap(), PooledStack::new().unwrap());
        let (base_a, base_b) = (a.base(), b.base());
        drop(a);
        drop(b);
        assert_eq!(PooledStack::kept(), 2);
        let (first, second) = (PooledStack::new().unwrap(), PooledStack::new().unwrap());
        assert_eq!((first.base(), second.base()), (base_b, base_a));
        assert_eq!(PooledStack::kept(), 0);
    });
}

#[test]
fn other_sizes_are_not_kept() {
    in_fresh_thread(|| {
        drop(PooledStack::allocate_at_least(64 << 10));
        drop(PooledStack::allocate_at_least(1 << 20));
        assert_eq!(PooledStack::kept(), 0);
        drop(PooledStack::allocate_at_least(DEFAULT_STACK_SIZE));
        assert_eq!(PooledStack::kept(), 1);
    });
}

#[test]
fn the_pool_is_bounded_and_gives_back_on_request() {
    in_fresh_thread(|| {
        let stacks: Vec<_> = (0..300).map(|_| PooledStack::new().unwrap()).collect();
        drop(stacks);
        assert_eq!(PooledStack::kept(), 256);
        assert_eq!(PooledStack::trim(), 256);
        assert_eq!((PooledStack::kept(), PooledStack::trim()), (0, 0));
    });
}

#[test]
fn a_stack_returns_to_the_thread_that_drops_it() {
    in_fresh_thread(|| {
        let stack = PooledStack::new().unwrap();
        in_fresh_thread(move || {
            drop(stack);
            assert_eq!(PooledStack::kept(), 1);
        });
        assert_eq!(PooledStack::kept(), 0);
    });
}

#[test]
fn usable_while_thread_locals_are_torn_down() {
    struct AtExit(std::sync::mpsc::Sender<usize>, Option<PooledStack>);
    impl Drop for AtExit {
        fn drop(&mut self) {
            // One kept from before, one of now; dropped on either side of the pool's end.
            drop(self.1.take());
            drop(PooledStack::new().unwrap());
            self.0.send(PooledStack::kept()).unwrap();
        }
    }
    thread_local! {
        static FIRST: RefCell<Option<AtExit>> = const { RefCell::new(None) };
        static LAST: RefCell<Option<AtExit>> = const { RefCell::new(None) };
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    in_fresh_thread(move || {
        FIRST.set(Some(AtExit(sender.clone(), None)));
        let stack = PooledStack::new().unwrap();
        LAST.set(Some(AtExit(sender, Some(stack))));
    });
    assert_eq!(receiver.iter().count(), 2);
}

#[test]
fn a_reused_stack_is_as_usable_as_a_new_one() {
    in_fresh_thread(|| {
        for round in 0..10_u8 {
            let stack = PooledStack::new().unwrap();
            // SAFETY: the whole of the stack is ours.
            unsafe {
                stack.limit().as_ptr().write_bytes(round, stack.size());
                assert_eq!(stack.base().as_ptr().sub(1).read(), round);
            }
        }
    });
}

/// Writes to the lowest `bytes` of a stack, so that they take memory.
fn fill(stack: &PooledStack, bytes: usize) {
    // SAFETY: inside the stack, on which nothing runs.
    unsafe {
        stack
            .limit()
            .as_ptr()
            .write_bytes(1, bytes.min(stack.size()))
    };
}

/// Whether the bytes below the base, down to the limit, are all zero.
fn is_clear(stack: &PooledStack) -> bool {
    // SAFETY: inside the stack, on which nothing runs.
    (0..stack.size()).all(|at| unsafe { stack.limit().as_ptr().add(at).read_volatile() } == 0)
}

#[test]
fn the_number_of_kept_stacks_can_be_set() {
    in_fresh_thread(|| {
        PooledStack::configure(PoolConfig::new().kept_stacks(5));
        let stacks: Vec<_> = (0..20).map(|_| PooledStack::new().unwrap()).collect();
        drop(stacks);
        let statistics = PooledStack::statistics();
        assert_eq!(
            (statistics.kept, statistics.missed, statistics.refused),
            (5, 20, 15)
        );
        // Less from now on: what was kept goes.
        PooledStack::configure(PoolConfig::new().kept_stacks(0));
        assert_eq!(PooledStack::kept(), 0);
        drop(PooledStack::new().unwrap());
        assert_eq!(PooledStack::kept(), 0);
    });
}

#[test]
fn kept_stacks_hold_no_more_bytes_than_configured() {
    for (most, touched) in [
        (0, 0),
        (1 << 20, 1),
        (1 << 20, 100 << 10),
        (4 << 20, 4 << 20),
    ] {
        in_fresh_thread(move || {
            PooledStack::configure(PoolConfig::new().kept_bytes(most));
            for _ in 0..3 {
                let stacks: Vec<_> = (0..100).map(|_| PooledStack::new().unwrap()).collect();
                stacks.iter().for_each(|stack| fill(stack, touched));
                drop(stacks);
                let statistics = PooledStack::statistics();
                assert!(
                    statistics.resident_bytes <= most,
                    "{most} {touched} {statistics:?}"
                );
                let expected = if most == 0 { 0 } else { 1 };
                assert!(
                    statistics.kept >= expected,
                    "{most} {touched} {statistics:?}"
                );
            }
        });
    }
}

#[test]
fn shallow_stacks_are_kept_in_any_number_that_fits() {
    in_fresh_thread(|| {
        PooledStack::configure(PoolConfig::new().kept_bytes(8 << 20));
        let stacks: Vec<_> = (0..100).map(|_| PooledStack::new().unwrap()).collect();
        // Whatever they held before.
        let statistics = PooledStack::statistics();
        drop(stacks);
        assert_eq!(PooledStack::kept(), 100, "{statistics:?}");
    });
}

#[test]
fn a_measured_stack_comes_back_clear() {
    in_fresh_thread(|| {
        PooledStack::configure(PoolConfig::new().measure(true));
        for touched in [1, 5000, 100_000, usize::MAX, 0] {
            let stack = PooledStack::new().unwrap();
            fill(&stack, touched);
            // SAFETY: the highest byte of the stack.
            unsafe { stack.base().as_ptr().sub(1).write_volatile(7) };
            let base = stack.base();
            drop(stack);
            let again = PooledStack::new().unwrap();
            assert_eq!(again.base(), base);
            assert!(is_clear(&again), "{touched}");
        }
    });
}

#[test]
fn a_thread_leaves_nothing_behind() {
    let alive = || PooledStack::arena().statistics().live;
    // Other tests use the arena as well; at some moment none of them does.
    let before = alive();
    let quiet = (0..1000).any(|_| {
        in_fresh_thread(|| {
            let stacks: Vec<_> = (0..50).map(|_| PooledStack::new().unwrap()).collect();
            drop(stacks);
            assert_eq!(PooledStack::kept(), 50);
        });
        alive() <= before
    });
    assert!(quiet);
}
