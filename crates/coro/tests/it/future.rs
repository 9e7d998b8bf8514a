//! Code that blocks, as a future.

use crate::polling::{once, poll_once, run};
use coro::{AsyncHandle, BlockOnError, Coroutine, CoroutineFuture, SuspendHandle, scope};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::task::Poll;
use sure_stack::{GuardedMmapStack, Stack};
use tokio::sync::oneshot;
use tokio::task::{spawn_local, yield_now};

assert_impl_all!(CoroutineFuture<*const ()>: Unpin);
assert_not_impl_any!(CoroutineFuture<()>: Send, Sync);
assert_not_impl_any!(AsyncHandle<'static>: Send, Sync);

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
    assert_eq!(wakes.count(), 0);
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
    assert_eq!(first.count(), 1);
    assert_eq!(second.count(), 1);
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

#[test]
fn on_a_stack_of_its_own() {
    fn deep(n: u32) -> u32 {
        if n == 0 { 0 } else { 1 + deep(n - 1) }
    }
    let stack = GuardedMmapStack::allocate_at_least(16 << 20).unwrap();
    let here = stack.limit().as_ptr().addr()..stack.base().as_ptr().addr();
    let future = Coroutine::builder()
        .stack(stack)
        .build_future(move |handle| {
            let local = 0_u8;
            assert!(here.contains(&(&raw const local).addr()));
            handle.block_on(yield_now());
            deep(20_000)
        });
    assert_eq!(run(future.unwrap()), 20_000);
}
