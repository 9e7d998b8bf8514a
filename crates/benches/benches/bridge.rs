//! What it costs to look like an iterator, a future, or a stream.

use coro::{Coroutine, SuspendHandle};
use criterion::{Criterion, criterion_group, criterion_main};
use futures_core::Stream;
use std::future::{Future, ready};
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Waker};
use tokio::task::yield_now;

/// A step of an iterator, and the bare resume that is inside.
fn iterators(c: &mut Criterion) {
    fn numbers(handle: &SuspendHandle<(), usize>) {
        for i in 0.. {
            handle.suspend(i);
        }
    }
    let mut group = c.benchmark_group("a step");
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), usize>, ()| numbers(handle));
    group.bench_function("bare resume", |b| b.iter(|| coroutine.resume(())));
    let mut iter = coro::iter(numbers);
    group.bench_function("iterator", |b| b.iter(|| iter.next()));
    let mut stream = coro::stream(|handle| {
        for i in 0_usize.. {
            handle.send(i);
        }
    });
    let mut context = Context::from_waker(Waker::noop());
    group.bench_function("stream", |b| {
        b.iter(|| Pin::new(&mut stream).poll_next(&mut context));
    });
}

/// How many are waited for in one poll, so that the poll itself weighs nothing.
const READY: usize = 1000;

/// Waiting for what is ready already: no switch.
fn ready_futures(c: &mut Criterion) {
    let mut group = c.benchmark_group(format!("{READY} ready futures"));
    let mut context = Context::from_waker(Waker::noop());
    let mut blocking = coro::future(|handle| {
        loop {
            for i in 0..READY {
                black_box(handle.block_on(ready(black_box(i))));
            }
            handle.block_on(pending_once());
        }
    });
    group.bench_function("block_on", |b| {
        b.iter(|| poll::<()>(&mut blocking, &mut context));
    });
    let mut awaiting = Box::pin(async {
        loop {
            for i in 0..READY {
                black_box(ready(black_box(i)).await);
            }
            pending_once().await;
        }
    });
    group.bench_function("await", |b| {
        b.iter(|| poll::<()>(&mut awaiting, &mut context));
    });
}

fn poll<T>(future: &mut (impl Future<Output = T> + Unpin), context: &mut Context<'_>) -> bool {
    Pin::new(future).poll(context).is_pending()
}

/// Pending the first time.
fn pending_once() -> impl Future<Output = ()> {
    let mut first = true;
    std::future::poll_fn(move |_| match std::mem::take(&mut first) {
        true => std::task::Poll::Pending,
        false => std::task::Poll::Ready(()),
    })
}

/// How many times a task yields to the runtime.
const YIELDS: usize = 1000;

/// From a task to its runtime and back.
fn runtime(c: &mut Criterion) {
    let mut group = c.benchmark_group(format!("{YIELDS} times to tokio and back"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers");
    let tasks = tokio::task::LocalSet::new();
    let mut run = |name, make: &dyn Fn() -> tokio::task::JoinHandle<()>| {
        group.bench_function(name, |b| {
            b.iter(|| tasks.block_on(&runtime, async { make().await.expect("no panic") }));
        });
    };
    run("async, yield_now", &|| {
        tokio::task::spawn_local(async {
            for _ in 0..YIELDS {
                yield_now().await;
            }
        })
    });
    run("coroutine, block_on(yield_now)", &|| {
        tokio::task::spawn_local(coro::future(|handle| {
            for _ in 0..YIELDS {
                handle.block_on(yield_now());
            }
        }))
    });
}

criterion_group!(benches, iterators, ready_futures, runtime);
criterion_main!(benches);
