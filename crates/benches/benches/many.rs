//! Ten thousand coroutines that take turns: more than the caches hold.

use benches::shuffled;
use coro::{Coroutine, SuspendHandle};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

const MANY: usize = 10_000;

/// How many turns ahead a scheduler prefetches.
const AHEAD: usize = 6;

type Echo = Coroutine<usize, usize, ()>;

#[inline(never)]
fn suspend_deep(handle: &SuspendHandle<usize, usize>, value: usize, depth: u32) -> usize {
    black_box(match depth {
        1 => handle.suspend(value),
        _ => suspend_deep(handle, value, depth - 1),
    })
}

fn shallow() -> Echo {
    Coroutine::new(|handle, mut value| {
        loop {
            value = handle.suspend(value);
        }
    })
}

fn deep() -> Echo {
    Coroutine::new(|handle, mut value| {
        loop {
            value = suspend_deep(handle, value, 3);
        }
    })
}

fn turns(c: &mut Criterion) {
    let mut group = c.benchmark_group("10,000 coroutines");
    let mut run = |name: &str, make: fn() -> Echo, order: Vec<usize>, prefetch: bool| {
        let mut coroutines: Vec<Echo> = (0..MANY).map(|_| make()).collect();
        let mut turn = 0;
        group.bench_function(name, |b| {
            b.iter(|| {
                if prefetch {
                    coroutines[order[(turn + AHEAD) % MANY]].prefetch();
                }
                let state = coroutines[order[turn]].resume(turn);
                turn = if turn + 1 == MANY { 0 } else { turn + 1 };
                state
            });
        });
    };
    run("in order", shallow, (0..MANY).collect(), false);
    run("shuffled", shallow, shuffled(MANY), false);
    run("shuffled, prefetched", shallow, shuffled(MANY), true);
    run("shuffled, 3 calls deep", deep, shuffled(MANY), false);
    run(
        "shuffled, 3 calls deep, prefetched",
        deep,
        shuffled(MANY),
        true,
    );
}

criterion_group!(benches, turns);
criterion_main!(benches);
