//! Code that blocks, as a future.

use coro::{AsyncHandle, BlockOnError, Coroutine, CoroutineFuture, SuspendHandle, scope};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use testing::Drops;
use tokio::sync::oneshot;
use tokio::task::{LocalSet, spawn_local, yield_now};

assert_impl_all!(CoroutineFuture<*const ()>: Unpin);
assert_not_impl_any!(CoroutineFuture<()>: Send, Sync);
assert_not_impl_any!(AsyncHandle<'static>: Send, Sync);

/// Runs on one thread of tokio, with `spawn_local`.
fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    LocalSet::new().block_on(&runtime.unwrap(), future)
}

/// Counts wakes.
#[derive(Debug, Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls once, with a waker of its own.
fn poll_once<R>(future: &mut CoroutineFuture<R>) -> (Poll<R>, Arc<Wakes>) {
    let wakes = Arc::<Wakes>::default();
    let waker = Waker::from(wakes.clone());
    let polled = pin!(future).poll(&mut Context::from_waker(&waker));
    (polled, wakes)
}

/// Pending once; leaves its waker for the test to wake.
fn once(left: Rc<Cell<Option<Waker>>>) -> impl Future<Output = ()> {
    let mut first = true;
    poll_fn(move |context| {
        if !std::mem::take(&mut first) {
            return Poll::Ready(());
        }
        left.set(Some(context.waker().clone()));
        Poll::Pending
    })
}

#[test]
fn it_waits_where_it_blocks() {
    let (sender, receiver) = oneshot::channel();
    let order = Rc::new(RefCell::new(Vec::new()));
    let log = order.clone();
    let future = coro::future(move |handle| {
        log.borrow_mut().push("waits");
        let value: u32 = handle.block_on(receiver).unwrap();
        log.borrow_mut().push("goes on");
        value
    });
    let log = order.clone();
    let value = run(async move {
        let task = spawn_local(future);
        yield_now().await;
        log.borrow_mut().push("sends");
        sender.send(7).unwrap();
        task.await.unwrap()
    });
    assert_eq!(value, 7);
    assert_eq!(*order.borrow(), ["waits", "sends", "goes on"]);
}

#[test]
fn a_thousand_tasks_on_one_thread() {
    let sum: usize = run(async {
        let tasks: Vec<_> = (0..1000)
            .map(|i| {
                spawn_local(coro::future(move |handle| {
                    (0..i % 7).for_each(|_| handle.block_on(yield_now()));
                    i
                }))
            })
            .collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        sum
    });
    assert_eq!(sum, 999 * 1000 / 2);
}

#[test]
fn a_ready_future_takes_one_poll() {
    let mut future = coro::future(|handle| handle.block_on(ready(1)) + handle.block_on(ready(2)));
    let (polled, wakes) = poll_once(&mut future);
    assert_eq!(polled, Poll::Ready(3));
    assert_eq!(wakes.0.load(Ordering::SeqCst), 0);
}

#[test]
fn the_latest_waker_is_the_one_that_is_woken() {
    let left = Rc::default();
    let two = [once(Rc::clone(&left)), once(Rc::clone(&left))];
    let mut future = coro::future(|handle| two.map(|one| handle.block_on(one)));
    let (polled, first) = poll_once(&mut future);
    assert!(polled.is_pending());
    left.take().expect("the first waker").wake();
    let (polled, second) = poll_once(&mut future);
    assert!(polled.is_pending());
    left.take().expect("the second waker").wake();
    assert_eq!(first.0.load(Ordering::SeqCst), 1);
    assert_eq!(second.0.load(Ordering::SeqCst), 1);
    assert!(poll_once(&mut future).0.is_ready());
}

#[test]
fn woken_from_other_threads() {
    let received = run(async {
        let tasks: Vec<_> = (0..20_usize)
            .map(|i| {
                let (sender, receiver) = oneshot::channel();
                let task = spawn_local(coro::future(move |handle| handle.block_on(receiver)));
                let thread = std::thread::spawn(move || sender.send(i).unwrap());
                (task, thread)
            })
            .collect();
        let mut received = Vec::new();
        for (task, thread) in tasks {
            received.push(task.await.unwrap().unwrap());
            thread.join().unwrap();
        }
        received
    });
    assert_eq!(received, (0..20).collect::<Vec<_>>());
}

#[test]
fn one_runtime_on_each_of_several_threads() {
    const CORES: usize = 4;
    const TASKS: usize = 50;
    // Each task waits for its neighbour's on the thread before, through all threads.
    let (mut first, mut last): (Vec<_>, Vec<_>) = (0..TASKS).map(|_| oneshot::channel()).unzip();
    let mut threads = Vec::new();
    for _ in 0..CORES {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..TASKS).map(|_| oneshot::channel()).unzip();
        let after = std::mem::replace(&mut first, senders);
        let pairs: Vec<_> = receivers.into_iter().zip(after).collect();
        threads.push(std::thread::spawn(move || {
            run(async {
                let work = |(receiver, sender): (oneshot::Receiver<usize>, oneshot::Sender<_>)| {
                    spawn_local(coro::future(move |handle| {
                        handle.block_on(yield_now());
                        let value = handle.block_on(receiver).unwrap();
                        sender.send(value + 1).unwrap();
                    }))
                };
                let tasks: Vec<_> = pairs.into_iter().map(work).collect();
                for task in tasks {
                    task.await.unwrap();
                }
            });
        }));
    }
    for (i, sender) in first.into_iter().enumerate() {
        sender.send(100 * i).unwrap();
    }
    for thread in threads {
        thread.join().unwrap();
    }
    for (i, end) in last.iter_mut().enumerate() {
        assert_eq!(end.try_recv(), Ok(100 * i + CORES));
    }
}

#[test]
fn a_panic_leaves_poll() {
    let mut future = coro::future(|handle| {
        handle.block_on(ready(()));
        resume_unwind(Box::new("inside"));
    });
    let caught = catch_unwind(AssertUnwindSafe(|| poll_once::<()>(&mut future).0));
    assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "inside");
    let again = catch_unwind(AssertUnwindSafe(|| poll_once(&mut future).0));
    let message = *again.unwrap_err().downcast::<&str>().unwrap();
    assert_eq!(message, "a future that is complete was polled");
}

#[test]
fn dropping_it_unwinds_the_coroutine_and_drops_the_inner_future() {
    let drops = Drops::new();
    let (local, waiting) = (drops.make(), drops.make());
    let mut future = coro::future(move |handle| {
        let _local = local;
        handle.block_on(async move {
            let _waiting = waiting;
            pending::<()>().await;
        });
    });
    assert!(poll_once(&mut future).0.is_pending());
    assert_eq!(drops.alive(), 2);
    drop(future);
    assert_eq!((drops.alive(), drops.dropped()), (0, 2));
}

/// Waits with `try_block_on` in its destructor.
struct WaitsOnDrop<'a, F: Future>(&'a AsyncHandle<'a>, Option<F>, Outcome<F::Output>);
type Outcome<T> = Rc<Cell<Option<Result<T, BlockOnError>>>>;

impl<F: Future> Drop for WaitsOnDrop<'_, F> {
    fn drop(&mut self) {
        let future = self.1.take().unwrap();
        self.2.set(Some(self.0.try_block_on(future)));
    }
}

#[test]
fn while_it_is_cancelled_only_ready_futures_are_waited_for() {
    let (never, at_once) = <(Outcome<()>, Outcome<u8>)>::default();
    let seen = (never.clone(), at_once.clone());
    let mut future = coro::future(move |handle| {
        let _never = WaitsOnDrop(handle, Some(pending()), never);
        let _at_once = WaitsOnDrop(handle, Some(ready(5)), at_once);
        handle.block_on(pending::<()>());
    });
    assert!(poll_once(&mut future).0.is_pending());
    drop(future);
    assert_eq!(seen.0.take(), Some(Err(BlockOnError::Cancelled)));
    assert_eq!(seen.1.take(), Some(Ok(5)));
}

#[test]
fn the_poller_of_before_is_not_used_when_it_is_cancelled() {
    let nobodys: Outcome<bool> = Rc::default();
    let seen = nobodys.clone();
    let mut future = coro::future(move |handle| {
        // Only the waker that does nothing has no data. (Its table may exist twice.)
        let look = poll_fn(|context| Poll::Ready(context.waker().data().is_null()));
        let _looks = WaitsOnDrop(handle, Some(look), nobodys);
        handle.block_on(pending::<()>());
    });
    let (polled, wakes) = poll_once(&mut future);
    assert!(polled.is_pending());
    // A context of the poll that is over would lead to this.
    assert_eq!(Arc::strong_count(&wakes), 1);
    drop(future);
    assert_eq!(seen.take(), Some(Ok(true)));
}

#[test]
fn while_it_panics_it_does_not_wait_either() {
    let never: Outcome<()> = Rc::default();
    let seen = never.clone();
    let mut future = coro::future(move |handle| {
        let _never = WaitsOnDrop(handle, Some(pending()), never);
        resume_unwind(Box::new("own"));
    });
    let caught = catch_unwind(AssertUnwindSafe(|| poll_once::<()>(&mut future)));
    assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "own");
    assert_eq!(seen.take(), Some(Err(BlockOnError::Cancelled)));
}

#[test]
fn a_swallowed_cancel_cannot_wait_but_return() {
    let seen = Rc::new(Cell::new(None));
    let inside = seen.clone();
    let mut future = coro::future(move |handle| {
        let _ = catch_unwind(AssertUnwindSafe(|| handle.block_on(pending::<()>())));
        inside.set(Some(handle.try_block_on(pending::<()>())));
    });
    assert!(poll_once(&mut future).0.is_pending());
    drop(future);
    assert_eq!(seen.take(), Some(Err(BlockOnError::Cancelled)));
}

#[test]
fn polled_by_a_destructor_during_a_panic_it_may_wait() {
    struct PollsOnDrop(CoroutineFuture<u8>, Rc<Cell<(bool, bool)>>);
    impl Drop for PollsOnDrop {
        fn drop(&mut self) {
            let first = poll_once(&mut self.0).0.is_pending();
            self.1
                .set((first, poll_once(&mut self.0).0 == Poll::Ready(3)));
        }
    }
    let left = Rc::default();
    let one = once(Rc::clone(&left));
    let future = coro::future(|handle| {
        handle.block_on(one);
        3
    });
    let seen = Rc::new(Cell::new((false, false)));
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _polls = PollsOnDrop(future, seen.clone());
        resume_unwind(Box::new(()));
    }));
    assert!(caught.is_err());
    assert_eq!(seen.get(), (true, true));
}

#[test]
fn inside_a_polled_future_only_ready_futures_are_waited_for() {
    let mut future = coro::future(|handle| {
        let nested = handle.block_on(poll_fn(|_| {
            let at_once = handle.try_block_on(ready(1));
            Poll::Ready((at_once, handle.try_block_on(pending::<()>())))
        }));
        assert_eq!(nested, (Ok(1), Err(BlockOnError::NotHere)));
        let panics = catch_unwind(AssertUnwindSafe(|| {
            handle.block_on(poll_fn(|_| Poll::Ready(handle.block_on(pending::<u8>()))));
        }));
        let message = *panics.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("cannot wait"), "{message}");
        // A panic in a poll leaves everything in its place.
        handle.block_on(yield_now());
    });
    assert!(poll_once(&mut future).0.is_pending());
    assert!(poll_once(&mut future).0.is_ready());
}

#[test]
fn on_another_coroutines_stack_only_ready_futures_are_waited_for() {
    let mut future = coro::future(|handle| {
        scope(|s| {
            let mut inner = s.coroutine(|own: &SuspendHandle<(), ()>, ()| {
                own.suspend(());
                assert_eq!(handle.try_block_on(ready(1)), Ok(1));
                let refused = handle.try_block_on(pending::<()>());
                assert_eq!(refused, Err(BlockOnError::NotHere));
            });
            inner.resume(());
            handle.block_on(yield_now());
            inner.resume(());
        });
    });
    assert!(poll_once(&mut future).0.is_pending());
    assert!(poll_once(&mut future).0.is_ready());
}

#[test]
fn futures_nest() {
    let value = run(coro::future(|handle| {
        let inner = coro::future(|handle| {
            handle.block_on(yield_now());
            let iter = coro::iter(|inner| (1..=4).for_each(|i| inner.suspend(i)));
            iter.inspect(|_| handle.block_on(yield_now())).sum::<i32>()
        });
        handle.block_on(inner)
    }));
    assert_eq!(value, 10);
}

#[test]
fn one_that_was_never_polled_drops_its_closure() {
    let drops = Drops::new();
    let captured = drops.make();
    drop(coro::future(move |_| drop(captured)));
    assert_eq!((drops.alive(), drops.dropped()), (0, 1));
}

#[test]
fn built_with_a_name() {
    let future = Coroutine::builder().name("parser").build_future(|handle| {
        let message = catch_unwind(AssertUnwindSafe(|| {
            handle.block_on(poll_fn(|_| Poll::Ready(handle.block_on(pending::<u8>()))));
        }));
        message.unwrap_err().downcast::<String>().unwrap()
    });
    let message = run(future.unwrap());
    assert!(message.starts_with("coroutine `parser` cannot wait: "));
}

testing::scenarios!(scenario; wait_in_a_cancelled_destructor);

fn wait_in_a_cancelled_destructor() {
    struct Waits<'a>(&'a AsyncHandle<'a>);
    impl Drop for Waits<'_> {
        fn drop(&mut self) {
            self.0.block_on(pending::<()>());
        }
    }
    let future = Coroutine::builder().name("fragile").build_future(|handle| {
        let _waits = Waits(handle);
        handle.block_on(pending::<()>());
    });
    let mut future = future.unwrap();
    assert!(poll_once(&mut future).0.is_pending());
    drop(future);
    println!("survived");
}

#[test]
fn a_destructor_that_must_wait_while_it_is_cancelled_aborts_with_a_reason() {
    let ended = testing::child::run("future::scenario", "wait_in_a_cancelled_destructor");
    ended.assert_killed(
        6,
        &["coroutine `fragile` cannot wait: cancelled: the coroutine is being unwound"],
    );
    assert!(!ended.output.contains("survived"));
}
