//! One resume and the suspend that answers it.

use coro::{Coroutine, CoroutineState, SuspendHandle};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::hint::black_box;

/// Suspends `DEPTH` calls down, none of them inlined.
#[inline(never)]
fn suspend_deep<T: Copy>(handle: &SuspendHandle<T, T>, value: T, depth: u32) -> T {
    black_box(match depth {
        1 => handle.suspend(value),
        _ => suspend_deep(handle, value, depth - 1),
    })
}

/// A coroutine that sends back what it gets, from some depth.
fn echo<T: Copy + 'static>(depth: u32) -> Coroutine<T, T, ()> {
    match depth {
        0 => Coroutine::new(|handle, mut value| {
            loop {
                value = handle.suspend(value);
            }
        }),
        _ => Coroutine::new(move |handle, mut value| {
            loop {
                value = suspend_deep(handle, value, depth);
            }
        }),
    }
}

fn depths(c: &mut Criterion) {
    fn of<T: Copy + 'static>(c: &mut Criterion, name: &str, value: T) {
        let mut group = c.benchmark_group(format!("round trip, {name}"));
        for depth in [0, 1, 3] {
            let mut coroutine = echo::<T>(depth);
            group.bench_function(BenchmarkId::new("depth", depth), |b| {
                b.iter(|| coroutine.resume(black_box(value)));
            });
        }
    }
    of(c, "()", ());
    of(c, "usize", 7_usize);
    of(c, "64 bytes", [7_u64; 8]);
}

fn nested(c: &mut Criterion) {
    let mut outer = Coroutine::new(|handle: &SuspendHandle<usize, usize>, mut value| {
        let mut inner = echo::<usize>(0);
        while let CoroutineState::Yielded(out) = inner.resume(value) {
            value = handle.suspend(out);
        }
    });
    c.bench_function("round trip, usize, through an inner coroutine", |b| {
        b.iter(|| outer.resume(black_box(7)));
    });
}

/// What everything else compares with.
fn indirect_call(c: &mut Criterion) {
    #[inline(never)]
    fn callee(value: usize) -> usize {
        value
    }
    let function: fn(usize) -> usize = black_box(callee);
    c.bench_function("indirect call", |b| b.iter(|| function(black_box(7))));
}

criterion_group!(benches, depths, nested, indirect_call);
criterion_main!(benches);
