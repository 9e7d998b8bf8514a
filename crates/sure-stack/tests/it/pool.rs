//! Stacks that come back.

use std::cell::RefCell;
use sure_stack::{
    DEFAULT_STACK_SIZE, GUARD_SIZE, LARGEST_POOLED_SIZE, PoolConfig, PooledStack, Stack,
};
use testing::{Random, cases};

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
fn stacks_of_every_class_are_kept_and_reused() {
    in_fresh_thread(|| {
        let mut kept = 0;
        let mut bytes = 1;
        while bytes <= LARGEST_POOLED_SIZE {
            let stack = PooledStack::allocate_at_least(bytes).unwrap();
            let base = stack.base();
            assert!(stack.size() >= bytes);
            drop(stack);
            let again = PooledStack::allocate_at_least(bytes).unwrap();
            assert_eq!(again.base(), base, "{bytes}");
            // One of another size does not take its place.
            drop(PooledStack::allocate_at_least(4 * bytes + (64 << 10)).unwrap());
            drop(again);
            assert!(PooledStack::kept() >= kept);
            kept = PooledStack::kept();
            bytes = bytes * 3 / 2 + 1;
        }
        assert!(kept >= 9, "{kept}");
        assert_eq!(PooledStack::trim(), kept);
    });
}

#[test]
fn larger_stacks_are_mapped_each_on_its_own() {
    in_fresh_thread(|| {
        let kept = PooledStack::kept();
        let stack = PooledStack::allocate_at_least(LARGEST_POOLED_SIZE + 1).unwrap();
        assert!(stack.size() > LARGEST_POOLED_SIZE);
        fill(&stack, 4096);
        drop(stack);
        assert_eq!(PooledStack::kept(), kept);
        assert!(PooledStack::arena_of(LARGEST_POOLED_SIZE + 1).is_none());
        assert!(PooledStack::arena_of(LARGEST_POOLED_SIZE).is_some());
    });
}

/// The sizes that `random_sizes_stay_within_the_bounds` takes.
const SIZES: [usize; 5] = [16 << 10, 64 << 10, DEFAULT_STACK_SIZE, 1 << 20, 8 << 20];

#[test]
fn idle_stacks_are_bounded_over_all_sizes_together() {
    in_fresh_thread(|| {
        let take = |bytes: usize, count: usize| -> Vec<_> {
            (0..count)
                .map(|_| PooledStack::allocate_at_least(bytes).unwrap())
                .collect()
        };
        // The bound is that of 256 stacks of the default size: in number, and in bytes.
        drop(take(16 << 10, 300));
        assert_eq!(PooledStack::kept(), 256);
        PooledStack::trim();
        drop(take(1 << 20, 100));
        let large = PooledStack::kept();
        assert!((60..=66).contains(&large), "{large}");
        // What they have taken is missing to others,
        drop(take(DEFAULT_STACK_SIZE, 100));
        assert!(PooledStack::kept() <= large + 16, "{}", PooledStack::kept());
        // and what they do not use is not: here both are alive at once.
        let alive = take(1 << 20, 100);
        drop(take(DEFAULT_STACK_SIZE, 300));
        assert_eq!(PooledStack::kept(), 256);
        drop(alive);
        assert!(PooledStack::kept() <= 256 + 1);
    });
}

#[test]
fn random_sizes_stay_within_the_bounds() {
    for (stacks, bytes) in [(40, 16 << 20), (7, 2 << 20), (200, 64 << 20)] {
        in_fresh_thread(move || {
            let config = PoolConfig::new().kept_stacks(stacks).kept_bytes(bytes);
            PooledStack::configure(config);
            let mut random = Random::new(stacks as u64);
            let mut alive = Vec::new();
            for _ in 0..cases(2_000) {
                if random.below(5) < 2 || alive.is_empty() {
                    let size = SIZES[random.below(SIZES.len())];
                    let stack = PooledStack::allocate_at_least(size).unwrap();
                    assert!(stack.size() >= size && stack.size() < 2 * size);
                    fill(&stack, random.below(100_000));
                    alive.push(stack);
                } else {
                    alive.swap_remove(random.below(alive.len()));
                }
                if random.below(20) == 0 {
                    let statistics = PooledStack::statistics();
                    assert!(statistics.kept <= stacks, "{statistics:?}");
                    assert!(statistics.resident_bytes <= bytes, "{statistics:?}");
                }
                if alive.len() > 60 {
                    alive.clear();
                }
            }
        });
    }
}

#[test]
fn many_of_a_size_are_alive_at_once() {
    // The real numbers are those of the example `million` of `coro`.
    for (bytes, count) in [(64 << 10, 10_000), (1 << 20, 1_000)] {
        // 32-bit systems have not as many addresses.
        let count = if usize::BITS == 64 { cases(count) } else { 100 };
        in_fresh_thread(move || {
            let stacks: Vec<_> = (0..count)
                .map(|_| PooledStack::allocate_at_least(bytes).unwrap())
                .collect();
            for (n, stack) in stacks.iter().enumerate() {
                // SAFETY: the highest bytes of a stack on which nothing runs.
                unsafe { stack.base().cast::<usize>().sub(1).write(n) };
                assert_eq!(stack.guard().end, stack.limit().addr().get());
                assert!(stack.guard().len() >= GUARD_SIZE);
            }
            for (n, stack) in stacks.iter().enumerate() {
                // SAFETY: written above.
                assert_eq!(unsafe { stack.base().cast::<usize>().sub(1).read() }, n);
            }
        });
    }
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
fn what_comes_back_after_the_pool_was_emptied_is_not_kept() {
    /// Says how many stacks are kept before and after one more is returned.
    struct AtExit(std::sync::mpsc::Sender<[usize; 2]>, Option<PooledStack>);
    impl Drop for AtExit {
        fn drop(&mut self) {
            let before = PooledStack::kept();
            drop(self.1.take());
            self.0.send([before, PooledStack::kept()]).unwrap();
        }
    }
    thread_local! {
        static FIRST: RefCell<Option<AtExit>> = const { RefCell::new(None) };
        static LAST: RefCell<Option<AtExit>> = const { RefCell::new(None) };
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    in_fresh_thread(move || {
        let stacks = [(); 3].map(|()| PooledStack::new().unwrap());
        let [one, other, kept] = stacks.map(Some);
        FIRST.set(Some(AtExit(sender.clone(), one)));
        // From here on the pool is emptied when the thread ends: between the two, in whatever order.
        drop(kept);
        LAST.set(Some(AtExit(sender, other)));
    });
    let mut kept: Vec<_> = receiver.iter().collect();
    kept.sort_unstable();
    assert_eq!(kept, [[0, 0], [1, 2]]);
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
fn a_kept_stack_holds_what_was_touched() {
    const LARGEST_PAGE: usize = 64 << 10;
    in_fresh_thread(|| {
        assert_eq!(PooledStack::statistics().resident_bytes, 0);
        let stack = PooledStack::allocate_at_least(1 << 20).unwrap();
        fill(&stack, stack.size());
        let bytes = stack.size();
        drop(stack);
        let resident = PooledStack::statistics().resident_bytes;
        assert!(
            (bytes..=bytes + LARGEST_PAGE).contains(&resident),
            "{resident} of {bytes}"
        );
    });
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
