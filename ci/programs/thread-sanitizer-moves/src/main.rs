//! Four threads take 64 coroutines from each other, at random, and resume them: with inner
//! coroutines that travel along, stacks that are taken on one thread and put back on another, and
//! panics.
//!
//! The sanitizer hears of each switch by `sure-context`, which is built for it. A write through an address
//! of a thread-local that was kept across a suspend is a race with that thread's own.
//!
//! The standard library is not built with the sanitizer, which therefore cannot see
//! what its locks order; so what hands a coroutine over is an atomic of this program, and what the
//! library makes once for all threads, it makes before there are others.

use coro::{Coroutine, Movable, SuspendHandle};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::thread;

const COROUTINES: u64 = 64;
const THREADS: u64 = 4;
const STEPS: u64 = 200;

/// A coroutine on its way from one thread to another.
struct Task {
    turns: u64,
    coroutine: Movable<Coroutine<u64, u64, u64>>,
}

/// Bytes of stack that a growth asks for.
const GROWTH: usize = 64 << 10;

/// Where threads leave coroutines for others; more places than coroutines.
static SHELF: [AtomicPtr<Task>; 128] = [const { AtomicPtr::new(ptr::null_mut()) }; 128];

/// How many go on.
static LEFT: AtomicUsize = AtomicUsize::new(COROUTINES as usize);

fn main() {
    // Makes the arena from which all threads will take such stacks; that of coroutines is made below.
    coro::grow(GROWTH, || ());
    for seed in 0..COROUTINES {
        let coroutine =
            Coroutine::new(move |handle: &SuspendHandle<u64, u64>, _| live(handle, seed));
        // SAFETY: (1) its frames hold numbers, heap, and iterators of which the same is true; (2) it
        // uses no thread-locals; (3-6) it is suspended in no destructor,
        // growth or foreign code, and not tracked.
        let coroutine = unsafe { Movable::new(coroutine) };
        let turns = 0;
        leave(Box::new(Task { turns, coroutine }), seed as usize);
    }
    // Threads end while what has run on them goes on elsewhere.
    while LEFT.load(Ordering::Relaxed) > 0 {
        let threads: Vec<_> = (0..THREADS)
            .map(|me| thread::spawn(move || work(me)))
            .collect();
        for thread in threads {
            thread.join().expect("no thread panics");
        }
    }
    println!("{COROUTINES} coroutines, {THREADS} threads");
}

fn work(me: u64) {
    let mut random = me;
    for _ in 0..2_000 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695);
        let place = (random >> 40) as usize;
        let task = SHELF[place % SHELF.len()].swap(ptr::null_mut(), Ordering::Acquire);
        if task.is_null() {
            continue;
        }
        // SAFETY: the thread that has swapped a task out is its only owner.
        let mut task = unsafe { Box::from_raw(task) };
        match task.coroutine.resume(task.turns).complete() {
            None => {
                task.turns += 1;
                leave(task, place / SHELF.len());
            }
            Some(suspends) => {
                assert_eq!(suspends, task.turns);
                drop(task);
                LEFT.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
}

/// Puts a task on the first free place from here.
fn leave(task: Box<Task>, from: usize) {
    let task = Box::into_raw(task);
    let mut places = (from..).map(|place| &SHELF[place % SHELF.len()]);
    let left = places.find(|place| {
        let swapped =
            place.compare_exchange(ptr::null_mut(), task, Ordering::Release, Ordering::Relaxed);
        swapped.is_ok()
    });
    assert!(left.is_some());
}

/// Suspends itself many times, and does on both sides what uses the library's thread-locals; how many
/// times it was.
fn live(handle: &SuspendHandle<u64, u64>, seed: u64) -> u64 {
    let mut suspends = 0;
    let mut wait = |value: u64| {
        suspends += 1;
        assert_eq!(handle.suspend(value), suspends);
    };
    let mut travelling = coro::iter(|handle| (0..STEPS).for_each(|n| handle.suspend(n)));
    for step in 0..STEPS {
        assert_eq!(travelling.next(), Some(step));
        match (seed + step) % 4 {
            0 => wait(step),
            1 => {
                let mut early = coro::iter(|handle| (0..9).for_each(|n| handle.suspend(n)));
                assert_eq!(early.next(), Some(0));
                wait(step);
                assert_eq!(early.next(), Some(1));
                wait(step);
            }
            2 => {
                let panics = catch_unwind(AssertUnwindSafe(|| {
                    wait(step);
                    resume_unwind(Box::new(step))
                }));
                assert_eq!(
                    panics.map_err(|step| *step.downcast().expect("a step")),
                    Err::<(), _>(step)
                );
            }
            _ => {
                let grown = coro::grow(GROWTH, || vec![step; 100]);
                wait(grown[99]);
                drop(grown);
            }
        }
    }
    suspends
}
