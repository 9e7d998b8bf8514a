//! Coroutines whose frames are copied: on the thread's own stack, and on a
//! shared run stack.

use coro_dynamic::{DynamicCoroutine, DynamicHandle, RunStack, Scheduler};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::hint::black_box;

type Echo = DynamicCoroutine<usize, usize, ()>;
type Handle = DynamicHandle<usize, usize>;

fn body(handle: &Handle, mut value: usize) {
    loop {
        value = handle.suspend(value);
    }
}

/// Suspended for the first time.
fn echo(stack: Option<&RunStack>) -> Echo {
    // SAFETY: no address of a local leaves the coroutine, nor comes into it.
    let mut echo: Echo = unsafe {
        match stack {
            None => DynamicCoroutine::new(body),
            Some(stack) => DynamicCoroutine::on_run_stack(stack, body),
        }
    };
    let _ = echo.resume(0);
    echo
}

/// One that is resumed again and again, and many in turn.
fn turns(c: &mut Criterion) {
    let stack = RunStack::new(1 << 20).expect("a stack");
    for (name, stack) in [("thread's stack", None), ("run stack", Some(&stack))] {
        let mut group = c.benchmark_group(format!("dynamic, {name}"));
        for many in [1, 100, 10_000, 1_000_000] {
            let mut echoes: Vec<Echo> = (0..many).map(|_| echo(stack)).collect();
            let mut turn = 0;
            group.bench_function(BenchmarkId::new("in turn", many), |b| {
                b.iter(|| {
                    let state = echoes[turn].resume(black_box(7));
                    turn = if turn + 1 == many { 0 } else { turn + 1 };
                    state
                });
            });
        }
    }
}

/// Frames of more bytes, which are copied both ways.
fn depths(c: &mut Criterion) {
    #[inline(never)]
    fn deep(handle: &Handle, value: usize, depth: usize) -> usize {
        let frame = black_box([0_u8; 200]);
        let next = match depth {
            0 => handle.suspend(value),
            _ => deep(handle, value, depth - 1),
        };
        black_box(frame);
        next
    }
    let mut group = c.benchmark_group("dynamic, bytes of frames");
    for depth in [0, 3, 30, 300] {
        // SAFETY: no address of a local leaves the coroutine, or comes in.
        let mut echo: Echo = unsafe {
            DynamicCoroutine::new(move |handle: &Handle, mut value| {
                loop {
                    value = deep(handle, value, depth);
                }
            })
        };
        let _ = echo.resume(0);
        group.bench_function(BenchmarkId::from_parameter(echo.saved_bytes()), |b| {
            b.iter(|| echo.resume(black_box(7)));
        });
    }
}

/// Resumed from deeper than its frames begin, so that what is there is displaced.
fn displacing(c: &mut Criterion) {
    #[inline(never)]
    fn from_below(echo: &mut Echo, b: &mut criterion::Bencher<'_>) {
        let mut room = [0_u8; 4096];
        black_box(&mut room);
        b.iter(|| echo.resume(black_box(7)));
        black_box(&mut room);
    }
    let mut echo = echo(None);
    c.bench_function("dynamic, from 4 KiB further down", |b| {
        from_below(&mut echo, b);
    });
}

fn lives(c: &mut Criterion) {
    c.bench_function("dynamic, create, run, drop", |b| {
        b.iter(|| {
            // SAFETY: no address of a local leaves the coroutine, or comes in.
            let mut one: DynamicCoroutine<usize, (), usize> =
                unsafe { DynamicCoroutine::new(|_, value| value) };
            one.resume(black_box(7))
        });
    });
    c.bench_function("dynamic, 1000 tasks of a scheduler, a turn each", |b| {
        let mut scheduler = Scheduler::new();
        for _ in 0..1000 {
            // SAFETY: no address of a local leaves the coroutine, or comes in.
            unsafe {
                scheduler.spawn(|task| {
                    loop {
                        task.yield_now();
                    }
                })
            };
        }
        b.iter(|| {
            for _ in 0..1000 {
                let _ = scheduler.step();
            }
        });
    });
}

criterion_group!(benches, turns, depths, displacing, lives);
criterion_main!(benches);
