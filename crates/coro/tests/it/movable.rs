//! Coroutines that change their thread.

use coro::{Coroutine, Iter, LendingCoroutine, LendingHandle, Movable, Status, SuspendHandle};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::Cell;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use testing::{Random, cases};

assert_impl_all!(Movable<Coroutine<u8, u8, u8>>: Send);
assert_impl_all!(Movable<LendingCoroutine<u8, u8, u8>>: Send);
assert_impl_all!(Movable<Iter<u8>>: Send, Iterator);
assert_not_impl_any!(Movable<Coroutine<u8, u8, u8>>: Sync, std::ops::DerefMut);
assert_not_impl_any!(Movable<Coroutine<Rc<u8>, u8, u8>>: Send);
assert_not_impl_any!(Movable<Coroutine<u8, Rc<u8>, u8>>: Send);
assert_not_impl_any!(Movable<Coroutine<u8, u8, Rc<u8>>>: Send);
assert_not_impl_any!(Movable<Iter<Rc<u8>>>: Send);
assert_not_impl_any!(Movable<LendingCoroutine<u8, Rc<u8>, ()>>: Send);

const COROUTINES: usize = 64;
const THREADS: usize = 4;

type Handle = SuspendHandle<Turn, u64>;

/// Counts values that are made and dropped, on any thread. (That of `testing` is for one.)
#[derive(Clone, Default)]
struct Drops {
    alive: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

impl Drops {
    fn new() -> Drops {
        Drops::default()
    }

    fn make(&self) -> Counted {
        self.alive.fetch_add(1, Ordering::Relaxed);
        Counted(self.clone())
    }

    fn alive(&self) -> usize {
        self.alive.load(Ordering::Relaxed)
    }

    fn dropped(&self) -> usize {
        self.dropped.load(Ordering::Relaxed)
    }
}

struct Counted(Drops);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Ordering::Relaxed);
        self.0.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// What a coroutine is told at each resume.
#[derive(Clone, Copy)]
struct Turn {
    /// The thread that it is on from now on.
    thread: u64,
    number: u64,
}

thread_local! {
    static THREAD: Cell<u64> = const { Cell::new(0) };
}

/// Which thread this is: a use of a thread-local apart, as `Movable::new` wants it.
#[inline(never)]
fn here() -> u64 {
    THREAD.get()
}

/// Sends a value, and checks that the other side of the suspend is where it was told to be.
fn pass(handle: &Handle, value: u64) -> u64 {
    let Turn { thread, number } = handle.suspend(value);
    assert_eq!(here(), thread);
    number
}

#[inline(never)]
fn deep(handle: &Handle, depth: u64) -> u64 {
    let local = black_box([depth; 9]);
    if depth == 0 {
        return pass(handle, local[4]);
    }
    deep(handle, depth - 1) + local[8]
}

/// Does a bit of everything that a moved coroutine may do, on both sides of suspends that are
/// compiled into the same function.
fn live(handle: &Handle, first: Turn, seed: u64, ends: &Drops) -> u64 {
    assert_eq!(here(), first.thread);
    let _counted = ends.make();
    let mut random = Random::new(seed);
    let mut sum = first.number;
    // Suspended inside, and moved with its owner.
    let mut squares = coro::iter(|handle| (0..u64::MAX).for_each(|n| handle.suspend(n * n)));
    for _ in 0..cases(200) {
        sum = sum.wrapping_mul(31);
        sum += match random.below(8) {
            0 => handle.suspend(sum).number + handle.suspend(sum).number,
            1 => deep(handle, random.below(20) as u64),
            2 => squares.next().unwrap() + pass(handle, 2) + squares.next().unwrap(),
            3 => {
                // Stacks are taken here, and put back there.
                let made = |n| coro::iter(move |handle| (0..n).for_each(|i| handle.suspend(i)));
                let mut early = made(7);
                let (one, number) = (early.next().unwrap(), pass(handle, 3));
                one + number + early.sum::<u64>() + made(number % 5).sum::<u64>()
            }
            4 => {
                let panicking = || -> u64 { resume_unwind(Box::new(pass(handle, 4))) };
                let payload = catch_unwind(AssertUnwindSafe(panicking)).unwrap_err();
                assert!(!thread::panicking());
                *payload.downcast::<u64>().unwrap() + pass(handle, 5)
            }
            5 => {
                let mut heap = vec![pass(handle, 6); 1000];
                heap.extend(vec![pass(handle, 7); 100]);
                heap.iter().sum()
            }
            6 => {
                let below = coro::maybe_grow(usize::MAX, 64 << 10, || black_box([1_u64; 99])[7]);
                below + pass(handle, 8) + coro::grow(64 << 10, || 5)
            }
            _ => handle.on_parent_stack(here) - here() + pass(handle, 9),
        };
    }
    if seed % 4 == 1 {
        resume_unwind(Box::new(sum));
    }
    sum
}

/// A coroutine on its way, and what it has been told.
struct Task {
    seed: u64,
    number: u64,
    coroutine: Movable<Coroutine<Turn, u64, u64>>,
}

impl Task {
    fn new(seed: u64, ends: &Drops) -> Task {
        let ends = ends.clone();
        let coroutine =
            Coroutine::new(move |handle: &Handle, first| live(handle, first, seed, &ends));
        Task {
            seed,
            number: 0,
            // SAFETY: (1) its frames hold numbers, counters that are `Send`, heap, and an iterator
            // of which the same is true; (2) it asks for a thread-local in `here` only;
            // (3, 4) it is suspended neither in a destructor nor inside of a growth; (5) there is no
            // foreign code.
            coroutine: unsafe { Movable::new(coroutine) },
        }
    }

    /// What it ends with; none if it goes on. It tells each turn apart.
    fn turn(&mut self) -> Option<u64> {
        let (thread, number) = (here(), self.number);
        self.number += 1;
        let turn = Turn { thread, number };
        match catch_unwind(AssertUnwindSafe(|| self.coroutine.resume(turn))) {
            Ok(state) => state.complete(),
            Err(payload) => Some(*payload.downcast::<u64>().expect("a panic of its own")),
        }
    }

    /// Some are dropped half way, wherever they are then.
    fn is_to_be_dropped(&self) -> bool {
        self.seed % 4 == 2 && self.number > 50
    }
}

/// What each would end with if nothing moved.
fn alone(seed: u64, ends: &Drops) -> Option<u64> {
    let mut task = Task::new(seed, ends);
    loop {
        if task.is_to_be_dropped() {
            return None;
        }
        if let Some(end) = task.turn() {
            return Some(end);
        }
    }
}

#[test]
fn sixty_four_coroutines_migrate_over_four_threads_at_random() {
    let ends = Drops::new();
    let seeds = 0..COROUTINES as u64;
    let expected: Vec<_> = seeds.clone().map(|seed| alone(seed, &ends)).collect();
    let shelf: Mutex<Vec<Task>> = Mutex::new(seeds.map(|seed| Task::new(seed, &ends)).collect());
    let ended: Mutex<Vec<_>> = Mutex::new(vec![None; COROUTINES]);
    let left = AtomicUsize::new(COROUTINES);
    let moves = AtomicUsize::new(0);
    let mut generation = 0;
    // Threads end, too, while coroutines that have run on them go on elsewhere.
    while left.load(Ordering::Relaxed) > 0 {
        generation += 1;
        thread::scope(|scope| {
            for me in 0..THREADS as u64 {
                let (shelf, ended, left, moves) = (&shelf, &ended, &left, &moves);
                scope.spawn(move || {
                    THREAD.set(generation * 100 + me);
                    let mut random = Random::new(here());
                    for _ in 0..cases(4_000) {
                        let mut all = shelf.lock().unwrap();
                        if all.is_empty() {
                            break;
                        }
                        let some = random.below(all.len());
                        let mut task = all.swap_remove(some);
                        drop(all);
                        moves.fetch_add(1, Ordering::Relaxed);
                        let mut end = None;
                        for _ in 0..=random.below(3) {
                            end = task.turn();
                            if end.is_some() || task.is_to_be_dropped() {
                                break;
                            }
                        }
                        if end.is_some() || task.is_to_be_dropped() {
                            ended.lock().unwrap()[task.seed as usize] = end;
                            left.fetch_sub(1, Ordering::Relaxed);
                            drop(task);
                        } else {
                            shelf.lock().unwrap().push(task);
                        }
                    }
                });
            }
        });
    }
    assert_eq!(ended.into_inner().unwrap(), expected);
    assert_eq!(ends.alive(), 0);
    assert_eq!(ends.dropped(), 2 * COROUTINES);
    assert!(moves.into_inner() > cases(200) * COROUTINES / 4);
}

#[test]
fn one_is_made_resumed_and_dropped_on_three_threads() {
    let ends = Drops::new();
    let inside = ends.clone();
    let coroutine = Coroutine::new(move |handle: &SuspendHandle<(), u64>, ()| {
        let _counted = inside.make();
        handle.suspend(here());
    });
    // SAFETY: (1) a counter that is `Send`; (2) `here` is apart; (3-5) nothing of the kind.
    let mut movable = unsafe { Movable::new(coroutine) };
    assert_eq!(movable.status(), Status::Created);
    let movable = thread::spawn(move || {
        THREAD.set(7);
        assert_eq!(movable.resume(()).yielded(), Some(7));
        movable
    });
    let movable = movable.join().unwrap();
    assert_eq!((movable.status(), ends.alive()), (Status::Suspended, 1));
    thread::spawn(move || drop(movable)).join().unwrap();
    assert_eq!((ends.alive(), ends.dropped()), (0, 1));
}

#[test]
fn what_is_lent_is_that_of_the_thread() {
    let adding = LendingCoroutine::new(|handle: &LendingHandle<u64, ()>| {
        for n in 1..4 {
            handle.with(|sum| *sum += n);
            handle.suspend(());
        }
    });
    // SAFETY: (1) a number; (2-5) nothing but `with` and `suspend`.
    let mut adding = unsafe { Movable::new(adding) };
    for expected in [1, 2, 3] {
        adding = thread::spawn(move || {
            let mut sum = 0;
            adding.resume(&mut sum);
            assert_eq!(sum, expected);
            adding
        })
        .join()
        .unwrap();
    }
    assert!(adding.try_resume(&mut 0).is_ok());
    assert!(adding.try_resume(&mut 0).is_err());
}

#[test]
fn an_iterator_goes_on_in_another_thread() {
    let items = coro::iter(|handle| (0..4).for_each(|n| handle.suspend(n)));
    // SAFETY: (1) numbers; (2-5) nothing but `suspend`.
    let mut items = unsafe { Movable::new(items) };
    assert_eq!(items.size_hint(), (0, None));
    assert_eq!(items.next(), Some(0));
    let items = thread::spawn(move || {
        assert_eq!(items.next(), Some(1));
        items
    });
    let mut items = items.join().unwrap();
    assert_eq!(items.by_ref().collect::<Vec<_>>(), [2, 3]);
    assert_eq!(items.size_hint(), (0, Some(0)));
}

#[cfg(feature = "async")]
#[test]
fn a_stream_goes_on_in_another_thread() {
    use futures_core::Stream;
    use std::task::{Context, Poll, Waker};
    let stream = coro::stream(|handle| (0..2).for_each(|n| handle.send(n)));
    // SAFETY: (1) numbers; (2-5) nothing but `send`.
    let mut stream = Box::pin(unsafe { Movable::new(stream) });
    for expected in [Some(0), Some(1), None] {
        assert_eq!(stream.size_hint(), (0, None));
        stream = thread::spawn(move || {
            let mut context = Context::from_waker(Waker::noop());
            let polled = stream.as_mut().poll_next(&mut context);
            assert_eq!(polled, Poll::Ready(expected));
            stream
        })
        .join()
        .unwrap();
    }
    assert_eq!(stream.size_hint(), (0, Some(0)));
}

#[test]
fn a_panic_leaves_in_the_thread_that_resumes() {
    let coroutine = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
        handle.suspend(());
        resume_unwind(Box::new(here()));
    });
    // SAFETY: (1) nothing; (2) `here` is apart; (3) it is not suspended while it panics; (4, 5) no.
    let mut movable = unsafe { Movable::new(coroutine) };
    movable.resume(());
    let panicked = thread::spawn(move || {
        THREAD.set(9);
        movable.resume(());
    });
    assert_eq!(*panicked.join().unwrap_err().downcast::<u64>().unwrap(), 9);
    assert!(!thread::panicking());
}

#[cfg(feature = "async")]
#[test]
fn futures_and_streams_are_tasks_of_a_runtime_that_steals_work() {
    use coro::{CoroutineFuture, CoroutineStream};
    assert_impl_all!(Movable<CoroutineFuture<u8>>: Send, Future);
    assert_impl_all!(Movable<CoroutineStream<u8>>: Send, futures_core::Stream);
    assert_not_impl_any!(Movable<CoroutineFuture<Rc<u8>>>: Send);

    let threads = Arc::new(Mutex::new(std::collections::HashSet::new()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .build()
        .unwrap();
    let tasks: Vec<_> = (0..COROUTINES as u64)
        .map(|task| {
            let threads = threads.clone();
            let future = coro::future(move |handle| {
                let mut sum = 0;
                for n in 0..cases(100) as u64 {
                    handle.block_on(tokio::task::yield_now());
                    threads.lock().unwrap().insert(system_thread());
                    sum += handle.block_on(async { n * task });
                }
                sum
            });
            // SAFETY: (1) numbers and an `Arc`, and the lock's guard is gone before the next
            // suspend; (2) `system_thread` is apart, and so is what `block_on` polls; (3-5) no.
            runtime.spawn(unsafe { Movable::new(future) })
        })
        .collect();
    let each = (0..cases(100) as u64).sum::<u64>();
    for (task, handle) in tasks.into_iter().enumerate() {
        assert_eq!(runtime.block_on(handle).unwrap(), each * task as u64);
    }
    assert!(!threads.lock().unwrap().is_empty());
}

#[cfg(feature = "async")]
#[inline(never)]
fn system_thread() -> thread::ThreadId {
    thread::current().id()
}
