//! Ten thousand, a hundred thousand and a million coroutines that take turns, on
//! stacks of several layouts: what colours, prefetching and huge pages are worth.

use benches::{has_room_for, shuffled};
use coro::{Coroutine, MIN_STACK_SIZE, SuspendHandle};
use criterion::{Criterion, criterion_group, criterion_main};
use std::cell::{LazyCell, RefCell};
use sure_stack::{ArenaConfig, ArenaStack};

/// How many turns ahead a scheduler prefetches.
const AHEAD: usize = 6;

type Echo = Coroutine<usize, usize, (), ArenaStack>;

/// What one takes at the most: a page with its part of a page table, or all of
/// its stack where pages are huge.
const ONE: u64 = 4096 + 640;
const ONE_IN_HUGE_PAGES: u64 = MIN_STACK_SIZE as u64 + 8192;

fn crowd(count: usize, config: &ArenaConfig) -> Vec<Echo> {
    let arena = config.clone().build().expect("a size");
    let echo = |handle: &SuspendHandle<usize, usize>, mut value| {
        loop {
            value = handle.suspend(value);
        }
    };
    let make = |_| Coroutine::with_stack(arena.allocate().expect("memory for a stack"), echo);
    let mut crowd: Vec<_> = (0..count).map(make).collect();
    for coroutine in &mut crowd {
        coroutine.resume(0);
    }
    crowd
}

fn layout(c: &mut Criterion, group: &str, layout: &str, count: usize, config: &ArenaConfig) {
    let mut group = c.benchmark_group(group);
    // Made when the first benchmark that was asked for needs it.
    let crowd = LazyCell::new(|| RefCell::new(crowd(count, config)));
    for (name, in_order, prefetch) in [
        ("in order", true, false),
        ("shuffled", false, false),
        ("shuffled, prefetched", false, true),
    ] {
        group.bench_function(format!("{layout}, {name}"), |b| {
            let order = if in_order {
                (0..count).collect()
            } else {
                shuffled(count)
            };
            let mut crowd = crowd.borrow_mut();
            let mut turn = 0;
            b.iter(|| {
                if prefetch {
                    crowd[order[(turn + AHEAD) % count]].prefetch();
                }
                let state = crowd[order[turn]].resume(turn);
                turn = if turn + 1 == count { 0 } else { turn + 1 };
                state
            });
        });
    }
}

fn turns(c: &mut Criterion) {
    for (count, group) in [
        (10_000, "10,000 coroutines in an arena"),
        (100_000, "100,000 coroutines in an arena"),
        (1_000_000, "1,000,000 coroutines in an arena"),
    ] {
        let room = |bytes: u64| count == 10_000 || has_room_for(group, bytes * count as u64);
        if room(ONE) {
            let config = ArenaConfig::new();
            layout(c, group, "256 KiB, coloured", count, &config);
            layout(
                c,
                group,
                "256 KiB, not coloured",
                count,
                &config.coloured(false),
            );
        }
        // SAFETY: what runs on these stacks calls nothing, and suspends.
        let huge = unsafe {
            let small = ArenaConfig::new().stack_size(MIN_STACK_SIZE);
            small.huge_pages_without_guards()
        };
        if room(ONE_IN_HUGE_PAGES) {
            layout(c, group, "16 KiB in huge pages, coloured", count, &huge);
            layout(
                c,
                group,
                "16 KiB in huge pages, not coloured",
                count,
                &huge.coloured(false),
            );
        }
    }
}

criterion_group!(benches, turns);
criterion_main!(benches);
