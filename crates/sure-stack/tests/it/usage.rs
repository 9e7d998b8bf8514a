//! How much of a stack was used.

use crate::resident::resident_pages;
use sure_stack::{
    GuardedMmapStack, PoolConfig, PooledStack, Stack, StackArena, StackSize, high_water_mark,
};

fn write(stack: &impl Stack, below_base: usize, byte: u8) {
    assert!(below_base <= stack.size());
    // SAFETY: inside the stack, on which nothing runs.
    unsafe { stack.base().as_ptr().sub(below_base).write_volatile(byte) };
}

#[test]
fn the_mark_is_the_lowest_byte_that_is_not_zero() {
    let stack = GuardedMmapStack::allocate_at_least(256 << 10).unwrap();
    assert_eq!(high_water_mark(&stack), 0);
    for used in [
        1,
        2,
        7,
        8,
        9,
        4095,
        4096,
        4097,
        100_001,
        stack.size() - 1,
        stack.size(),
    ] {
        write(&stack, used, 0x80);
        assert_eq!(high_water_mark(&stack), used);
        // What is above does not count.
        write(&stack, used / 2 + 1, 1);
        assert_eq!(high_water_mark(&stack), used);
    }
}

#[test]
fn looking_touches_nothing() {
    let stack = GuardedMmapStack::allocate_at_least(4 << 20).unwrap();
    assert_eq!((high_water_mark(&stack), resident_pages(&stack)), (0, 0));
    write(&stack, 1, 1);
    write(&stack, 300_000, 1);
    assert_eq!(resident_pages(&stack), 2);
    assert_eq!(high_water_mark(&stack), 300_000);
    assert_eq!(resident_pages(&stack), 2);
}

#[test]
fn zeros_are_not_seen() {
    let stack = GuardedMmapStack::allocate_at_least(64 << 10).unwrap();
    write(&stack, 50_000, 0);
    assert_eq!(high_water_mark(&stack), 0);
    write(&stack, 10, 9);
    assert_eq!(high_water_mark(&stack), 10);
}

#[test]
fn pooled_and_arena_stacks_count_from_their_base() {
    let arena = StackArena::new(64 << 10).unwrap();
    let (one, other) = (arena.allocate().unwrap(), arena.allocate().unwrap());
    // Of a size that is not pooled, so that it was not used before.
    let pooled = PooledStack::allocate_at_least(9 << 20).unwrap();
    assert_eq!(
        (
            high_water_mark(&one),
            high_water_mark(&other),
            high_water_mark(&pooled)
        ),
        (0, 0, 0)
    );
    for used in [1, 3000, 10_000] {
        write(&one, used, 1);
        write(&pooled, used, 1);
        assert_eq!(
            (high_water_mark(&one), high_water_mark(&pooled)),
            (used, used)
        );
    }
    assert_eq!(
        high_water_mark(&other),
        0,
        "a neighbour's use is not its own"
    );
}

#[test]
fn any_stack_has_a_mark() {
    let stack: Box<dyn Stack> = Box::new(GuardedMmapStack::allocate_at_least(1).unwrap());
    assert_eq!(high_water_mark(&*stack), 0);
    assert_eq!(high_water_mark(&stack), 0);

    /// A part of a stack, whose bounds are no pages'.
    struct Part(GuardedMmapStack);
    // SAFETY: bytes of a stack that is owned.
    unsafe impl Stack for Part {
        fn base(&self) -> core::ptr::NonNull<u8> {
            // SAFETY: inside the stack.
            unsafe { self.0.base().sub(100) }
        }
        fn limit(&self) -> core::ptr::NonNull<u8> {
            // SAFETY: inside the stack.
            unsafe { self.0.limit().add(100) }
        }
    }
    let part = Part(GuardedMmapStack::allocate_at_least(32 << 10).unwrap());
    write(&part.0, 50, 1);
    write(&part.0, part.0.size(), 1);
    assert_eq!(high_water_mark(&part), 0, "what is outside does not count");
    write(&part, part.size(), 1);
    assert_eq!(high_water_mark(&part), part.size());
}

#[test]
fn a_measuring_pool_notes_marks_of_each_use_alone() {
    std::thread::spawn(|| {
        let use_one = |used| {
            let stack = PooledStack::new().unwrap();
            let found = high_water_mark(&stack);
            write(&stack, used, 1);
            drop(stack);
            found
        };
        use_one(200_000);
        assert_eq!(
            PooledStack::usage().count(),
            0,
            "the pool does not measure yet"
        );

        PooledStack::configure(PoolConfig::new().measure(true));
        for used in [1, 100_000, 5000, 12, 250_000, 40_000] {
            assert_eq!(use_one(used), 0, "cleared before {used}");
        }
        // Some at once, and one of another size.
        let stacks: Vec<_> = (0..300).map(|_| PooledStack::new().unwrap()).collect();
        stacks.iter().for_each(|stack| write(stack, 2000, 1));
        drop(stacks);
        let large = PooledStack::allocate_at_least(1 << 20).unwrap();
        write(&large, 900_000, 1);
        drop(large);
        let usage = PooledStack::usage();
        assert_eq!((usage.count(), usage.largest()), (307, 900_000));
        assert_eq!(usage.quantile(0.5), 2048);
        assert_eq!(use_one(1), 0, "what the arena has is cleared, too");
    })
    .join()
    .unwrap();
}
