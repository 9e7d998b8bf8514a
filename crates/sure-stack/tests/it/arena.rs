//! Many stacks of one size.

use crate::resident::resident_pages;
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::sync::mpsc;
use std::thread;
use sure_stack::{
    ArenaConfig, ArenaStack, DEFAULT_STACK_SIZE, GUARD_SIZE, Guards, Reclaim, Stack, StackArena,
    StackError,
};
use testing::{Random, cases};

assert_impl_all!(StackArena: Send, Sync, Clone);
assert_impl_all!(ArenaStack: Send, Sync);
assert_not_impl_any!(ArenaStack: Clone);

const SIZE: usize = 16 << 10;

fn bounds(stack: &impl Stack) -> (usize, usize) {
    (stack.limit().addr().get(), stack.base().addr().get())
}

/// Writes to every page, and to the last byte at either end.
fn mark(stack: &impl Stack, with: u8) {
    for offset in (0..stack.size()).step_by(2048).chain([stack.size() - 1]) {
        // SAFETY: inside the stack, on which nothing runs.
        unsafe { stack.limit().as_ptr().add(offset).write_volatile(with) };
    }
}

/// Finds what was written.
fn assert_marked(stack: &impl Stack, with: u8) {
    for offset in (0..stack.size()).step_by(2048).chain([stack.size() - 1]) {
        // SAFETY: inside the stack, on which nothing runs.
        let found = unsafe { stack.limit().as_ptr().add(offset).read_volatile() };
        assert_eq!(found, with);
    }
}

/// Whether the system can write a few hundred bytes there; it reports a fault where the process
/// would die of one. (Linux's `uname` does; elsewhere it is a function of the C library.)
#[cfg(target_os = "linux")]
fn is_writable(address: *mut u8) -> bool {
    // SAFETY: inside a stack on which nothing runs, or in its guard.
    unsafe { libc::uname(address.cast()) == 0 }
}

/// Guards of later stacks are made many at a time, ahead of them.
#[cfg(target_os = "linux")]
#[test]
fn each_of_very_many_has_its_guard_and_nothing_else_is_one() {
    let arena = StackArena::new(SIZE).unwrap();
    let stacks: Vec<_> = (0..cases(3000))
        .map(|_| arena.allocate().unwrap())
        .collect();
    let room = size_of::<libc::utsname>();
    for (number, stack) in stacks.iter().enumerate() {
        let limit = stack.limit().as_ptr();
        let guard = [1, GUARD_SIZE].map(|below| is_writable(limit.wrapping_sub(below)));
        assert_eq!(guard, [false, false], "the guard of stack {number}");
        let ends = [0, stack.size() - room].map(|above| is_writable(limit.wrapping_add(above)));
        assert_eq!(ends, [true, true], "stack {number}");
    }
}

#[test]
fn stacks_have_the_size_asked_for_and_share_nothing() {
    for bytes in [1, 4096, SIZE, SIZE + 1, DEFAULT_STACK_SIZE] {
        let arena = StackArena::new(bytes).unwrap();
        let mut stacks: Vec<_> = (0..50).map(|_| arena.allocate().unwrap()).collect();
        stacks.sort_by_key(|stack| stack.limit());
        for pair in stacks.windows(2) {
            let page = 4096;
            // Between the high end of one and the low end of the next is a guard.
            assert!(bounds(&pair[0]).1 + page <= bounds(&pair[1]).0);
        }
        for (n, stack) in stacks.iter().enumerate() {
            assert!(stack.size() >= bytes);
            assert!(bounds(stack).1.is_multiple_of(16));
            mark(stack, n as u8);
        }
        for (n, stack) in stacks.iter().enumerate() {
            assert_marked(stack, n as u8);
        }
    }
}

#[test]
fn random_stacks_come_and_go_and_none_is_given_twice() {
    for guards in [Guards::Automatic, Guards::Mprotect] {
        let config = ArenaConfig::new().stack_size(SIZE).guards(guards).keep(10);
        let arena = config.reclaim(Reclaim::Lazily).build().unwrap();
        let (mut random, mut alive) = (Random::new(5), Vec::new());
        for n in 0..cases(3_000) {
            match random.below(5) {
                0..3 => {
                    let stack = arena.allocate().unwrap();
                    mark(&stack, n as u8);
                    alive.push((stack, n as u8));
                }
                3 if !alive.is_empty() => {
                    let (stack, with) = alive.swap_remove(random.below(alive.len()));
                    assert_marked(&stack, with);
                }
                _ if random.below(200) == 0 => {
                    arena.trim();
                }
                _ => {}
            }
            assert_eq!(arena.statistics().live, alive.len());
        }
        alive
            .iter()
            .for_each(|(stack, with)| assert_marked(stack, *with));
    }
}

#[test]
fn the_last_one_put_back_is_taken_first() {
    for keep in [0, 64] {
        let config = ArenaConfig::new().stack_size(SIZE).keep(keep);
        let arena = config.build().unwrap();
        let (a, b) = (arena.allocate().unwrap(), arena.allocate().unwrap());
        let (of_a, of_b) = (bounds(&a), bounds(&b));
        drop((a, b));
        let (first, second) = (arena.allocate().unwrap(), arena.allocate().unwrap());
        assert_eq!((bounds(&first), bounds(&second)), (of_b, of_a));
    }
}

#[test]
fn an_arena_keeps_so_many_and_grows_in_few_pieces() {
    let config = ArenaConfig::new().stack_size(SIZE).keep(10);
    let arena = config.build().unwrap();
    assert_eq!(arena.statistics().reservations, 0);
    let stacks: Vec<_> = (0..500).map(|_| arena.allocate().unwrap()).collect();
    let full = arena.statistics();
    assert_eq!((full.live, full.kept, full.used), (500, 0, 500));
    assert!(full.reservations < 10, "{full:?}");
    assert!(
        full.reserved_bytes >= 500 * SIZE && full.reserved_bytes < 1500 * 2 * SIZE.max(1 << 20)
    );
    drop(stacks);
    let after = arena.statistics();
    assert_eq!((after.live, after.used), (0, 500));
    // Memory goes back some stacks at a time, half of those that are kept.
    assert!((4..=10).contains(&after.kept), "{after:?}");
    assert_eq!(after.reserved_bytes, full.reserved_bytes);
    assert_eq!(arena.trim(), full.reserved_bytes);
    let trimmed = arena.statistics();
    assert_eq!(
        (trimmed.reserved_bytes, trimmed.used, trimmed.kept),
        (0, 0, 0)
    );
    mark(&arena.allocate().unwrap(), 1);
}

#[test]
fn trim_leaves_what_is_in_use() {
    let arena = StackArena::new(SIZE).unwrap();
    let mut stacks: Vec<_> = (0..100).map(|_| arena.allocate().unwrap()).collect();
    let last = stacks.pop().unwrap();
    mark(&last, 7);
    drop(stacks);
    let before = arena.statistics();
    let trimmed = arena.trim();
    let after = arena.statistics();
    assert!(trimmed > 0 && after.reserved_bytes == before.reserved_bytes - trimmed);
    assert_eq!((after.live, after.reservations), (1, 1));
    assert_marked(&last, 7);
    let more: Vec<_> = (0..200).map(|_| arena.allocate().unwrap()).collect();
    more.iter().for_each(|stack| mark(stack, 8));
    assert_marked(&last, 7);
}

#[test]
fn memory_goes_back_by_policy() {
    let used = |keep: usize, reclaim: Reclaim, trim: bool| {
        let config = ArenaConfig::new().stack_size(DEFAULT_STACK_SIZE).keep(keep);
        let arena = config.reclaim(reclaim).build().unwrap();
        let (other, stack) = (arena.allocate().unwrap(), arena.allocate().unwrap());
        mark(&stack, 1);
        let before = bounds(&stack);
        drop(stack);
        if trim {
            arena.trim();
        }
        let stack = arena.allocate().unwrap();
        assert_eq!(bounds(&stack), before);
        drop(other);
        // Less the page of the base, where the header of the stack is.
        resident_pages(&stack) - 1
    };
    assert!(used(1, Reclaim::AtOnce, false) >= 4, "kept");
    assert_eq!(used(1, Reclaim::AtOnce, true), 0, "trimmed");
    assert_eq!(used(0, Reclaim::AtOnce, false), 0, "not kept");
    assert_eq!(used(1, Reclaim::Lazily, true), 0, "trimmed for good");
}

#[test]
fn stacks_outlive_the_handle_and_change_threads() {
    let (sender, receiver) = mpsc::channel();
    let arena = StackArena::new(SIZE).unwrap();
    for n in 0..40 {
        let stack = arena.allocate().unwrap();
        mark(&stack, n);
        sender.send((stack, n)).unwrap();
    }
    drop((arena, sender));
    thread::spawn(move || {
        for (stack, n) in receiver {
            assert_marked(&stack, n);
        }
    })
    .join()
    .unwrap();
}

#[test]
fn a_leaked_stack_keeps_its_arena_mapped() {
    let arena = StackArena::new(SIZE).unwrap();
    let leaked = std::mem::ManuallyDrop::new(arena.allocate().unwrap());
    mark(&*leaked, 3);
    drop(arena.allocate().unwrap());
    arena.trim();
    drop(arena);
    assert_marked(&*leaked, 3);
}

#[test]
fn threads_take_and_put_back_against_each_other() {
    const THREADS: usize = 16;
    let arena = ArenaConfig::new()
        .stack_size(SIZE)
        .keep(20)
        .build()
        .unwrap();
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..THREADS)
        .map(|_| mpsc::sync_channel::<(ArenaStack, u8)>(50))
        .unzip();
    thread::scope(|scope| {
        for (me, receiver) in receivers.into_iter().enumerate() {
            let (arena, senders) = (arena.clone(), senders.clone());
            scope.spawn(move || {
                let (mut random, mut mine) = (Random::new(me as u64), Vec::new());
                for n in 0..cases(500) {
                    let stack = arena.allocate().unwrap();
                    mark(&stack, n as u8);
                    let to = random.below(THREADS);
                    match senders[to].try_send((stack, n as u8)) {
                        Ok(()) => {}
                        Err(refused) => {
                            let (mpsc::TrySendError::Full(back)
                            | mpsc::TrySendError::Disconnected(back)) = refused;
                            mine.push(back);
                        }
                    }
                    for (stack, with) in receiver.try_iter().take(random.below(4)) {
                        assert_marked(&stack, with);
                    }
                    if random.below(50) == 0 {
                        mine.clear();
                        arena.trim();
                    }
                }
            });
        }
    });
    drop(senders);
    assert_eq!(arena.statistics().live, 0);
    arena.trim();
    assert_eq!(arena.statistics().reserved_bytes, 0);
}

#[test]
fn impossible_sizes_are_errors() {
    let most = isize::MAX as usize;
    for bytes in [0, most - 4096, most, most + 1, usize::MAX] {
        match StackArena::new(bytes) {
            Err(StackError::InvalidSize { bytes: of }) => assert_eq!(of, bytes),
            other => panic!("{bytes}: {other:?}"),
        }
    }
}

#[test]
fn what_the_system_cannot_hold_is_an_error_that_passes() {
    // More than any address space has room for, and yet a valid size.
    let arena = StackArena::new(isize::MAX as usize / 2 - (8 << 20)).unwrap();
    for _ in 0..3 {
        match arena.allocate() {
            Err(error @ StackError::Map { .. }) => {
                assert!(error.to_string().starts_with("no mapping of"), "{error}");
            }
            // A 32-bit system may have that much.
            Ok(_) if cfg!(target_pointer_width = "32") => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(arena.statistics().live, 0);
    }
}

#[test]
fn stacks_without_colour_begin_at_the_same_offset() {
    let offsets = |coloured| {
        let config = ArenaConfig::new().stack_size(SIZE).coloured(coloured);
        let arena = config.build().unwrap();
        let stacks: Vec<_> = (0..64).map(|_| arena.allocate().unwrap()).collect();
        let offsets = stacks.iter().map(|stack| bounds(stack).1 % 4096);
        offsets.collect::<std::collections::HashSet<_>>().len()
    };
    assert_eq!(offsets(false), 1);
    assert!(offsets(true) >= 8);
}

#[test]
fn a_guard_ends_at_the_limit_and_is_no_larger_than_it_must_be() {
    let stack = StackArena::new(SIZE).unwrap().allocate().unwrap();
    assert_eq!(stack.guard().end, stack.limit().addr().get());
    assert!(stack.guard().len().is_multiple_of(4096));
    // Whole pages, of 64 KiB at the most.
    let sizes = GUARD_SIZE..GUARD_SIZE + (64 << 10);
    assert!(
        sizes.contains(&stack.guard().len()),
        "{}",
        stack.guard().len()
    );
}

#[test]
fn each_part_of_a_configuration_leaves_the_others() {
    let config = ArenaConfig::new()
        .stack_size(SIZE)
        .guards(Guards::Mprotect)
        .keep(0)
        .reclaim(Reclaim::Lazily)
        .coloured(false);
    let arena = config.build().unwrap();
    let stack = arena.allocate().unwrap();
    assert!(
        (SIZE..2 * SIZE.max(64 << 10)).contains(&stack.size()),
        "{}",
        stack.size()
    );
    drop(stack);
    let statistics = arena.statistics();
    assert_eq!((statistics.protected_guards, statistics.kept), (1, 0));
}

#[test]
fn a_full_reservation_has_room_again_for_each_that_comes_back() {
    let arena = ArenaConfig::new().stack_size(SIZE).keep(0).build().unwrap();
    let mut stacks = vec![arena.allocate().unwrap()];
    while arena.statistics().reservations == 1 {
        stacks.push(arena.allocate().unwrap());
    }
    // The one that did not fit into the first one.
    stacks.pop();
    arena.trim();
    for _ in 0..3 * stacks.len() {
        stacks.pop();
        stacks.push(arena.allocate().unwrap());
        assert_eq!(arena.statistics().reservations, 1);
    }
}

#[test]
fn half_are_left_when_too_many_are_kept() {
    let arena = ArenaConfig::new()
        .stack_size(SIZE)
        .keep(100)
        .build()
        .unwrap();
    let stacks: Vec<_> = (0..101).map(|_| arena.allocate().unwrap()).collect();
    drop(stacks);
    assert_eq!(arena.statistics().kept, 50);
}

#[test]
fn stacks_in_huge_pages_lie_side_by_side() {
    // SAFETY: nothing runs on these stacks.
    let config = unsafe {
        ArenaConfig::new()
            .stack_size(SIZE)
            .huge_pages_without_guards()
    };
    let arena = config.build().unwrap();
    let stacks: Vec<_> = (0..200).map(|_| arena.allocate().unwrap()).collect();
    for (n, stack) in stacks.iter().enumerate() {
        mark(stack, n as u8);
    }
    for (n, stack) in stacks.iter().enumerate() {
        assert_marked(stack, n as u8);
    }
    assert_eq!(arena.statistics().protected_guards, 0);
}
