//! What it costs that coroutines and stacks come and go.

use coro::{Coroutine, SuspendHandle};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use sure_stack::{DEFAULT_STACK_SIZE, GuardedMmapStack, PooledStack, Stack};

fn fresh() -> GuardedMmapStack {
    GuardedMmapStack::allocate_at_least(DEFAULT_STACK_SIZE).expect("memory for one stack")
}

fn create(c: &mut Criterion) {
    let mut group = c.benchmark_group("create, run, drop");
    group.bench_function("pooled", |b| {
        b.iter(|| Coroutine::new(|_: &SuspendHandle<usize, ()>, n| n).resume(black_box(7)));
    });
    for (size, bytes) in [
        ("pooled, 16 KiB", 16 << 10),
        ("pooled, 64 KiB", 64 << 10),
        ("pooled, 256 KiB", 256 << 10),
        ("pooled, 1 MiB", 1 << 20),
        ("pooled, 8 MiB", 8 << 20),
    ] {
        group.bench_function(size, |b| {
            b.iter(|| {
                let builder = Coroutine::builder().stack_size(black_box(bytes));
                let coroutine = builder.build(|_: &SuspendHandle<usize, ()>, n| n);
                coroutine.expect("a stack").resume(black_box(7))
            });
        });
    }
    group.bench_function("fresh", |b| {
        b.iter(|| {
            let echo = |_: &SuspendHandle<usize, ()>, n| n;
            Coroutine::with_stack(fresh(), echo).resume(black_box(7))
        });
    });
}

fn drop_suspended(c: &mut Criterion) {
    c.bench_function("create, suspend, drop while suspended", |b| {
        b.iter(|| Coroutine::new(|handle, ()| handle.suspend(())).resume(()));
    });
}

fn stacks(c: &mut Criterion) {
    /// As the first frame of a coroutine does.
    fn touch(stack: impl Stack) -> impl Stack {
        // SAFETY: inside the stack, on which nothing runs.
        unsafe { stack.base().as_ptr().sub(64).write_volatile(1) };
        stack
    }
    let mut group = c.benchmark_group("stack, take, touch, return");
    group.bench_function("pooled", |b| {
        b.iter(|| touch(PooledStack::new().expect("memory for one stack")))
    });
    group.bench_function("mapped and unmapped", |b| b.iter(|| touch(fresh())));
}

criterion_group!(benches, create, drop_suspended, stacks);
criterion_main!(benches);
