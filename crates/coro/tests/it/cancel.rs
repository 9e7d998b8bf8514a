//! What happens to a future's coroutine when the future is dropped, or panics.

use crate::polling::poll_once;
use coro::{AsyncHandle, BlockOnError, Coroutine};
use std::cell::Cell;
use std::future::{Future, pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use testing::Drops;

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
    let error = seen.0.take().and_then(Result::err);
    assert_eq!(error, Some(BlockOnError::Cancelled));
    let text = error.unwrap().to_string();
    assert!(text.starts_with("cancelled"), "{text}");
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
fn a_destructor_waits_while_the_coroutine_panics() {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let received: Outcome<Result<u8, _>> = Rc::default();
    let seen = received.clone();
    let mut future = coro::future(move |handle| {
        let _receives = WaitsOnDrop(handle, Some(receiver), received);
        resume_unwind(Box::new("own"));
    });
    let (polled, wakes) = poll_once::<()>(&mut future);
    assert!(polled.is_pending(), "the destructor waits");
    // The coroutine's panic counts for the thread, whichever code runs meanwhile.
    assert!(std::thread::panicking());
    sender.send(7).unwrap();
    assert_eq!(wakes.count(), 1);
    let caught = catch_unwind(AssertUnwindSafe(|| poll_once::<()>(&mut future)));
    assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "own");
    assert_eq!(seen.take(), Some(Ok(Ok(7))));
    assert!(!std::thread::panicking());
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
fn a_wait_after_a_swallowed_cancel_is_cancelled_again() {
    let cancels = Rc::new(Cell::new(0));
    let inside = cancels.clone();
    let mut future = coro::future(move |handle| {
        for _ in 0..3 {
            let cancelled = catch_unwind(AssertUnwindSafe(|| handle.block_on(pending::<()>())));
            assert!(coro::is_forced_unwind(&*cancelled.unwrap_err()));
            inside.set(inside.get() + 1);
        }
    });
    assert!(poll_once(&mut future).0.is_pending());
    drop(future);
    assert_eq!(cancels.get(), 3);
}

#[test]
fn one_that_was_never_polled_drops_its_closure() {
    let drops = Drops::new();
    let captured = drops.make();
    drop(coro::future(move |_| drop(captured)));
    assert_eq!((drops.alive(), drops.dropped()), (0, 1));
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
    let ended = testing::child::run("cancel::scenario", "wait_in_a_cancelled_destructor");
    ended.assert_killed(
        6,
        &["coroutine `fragile` is being dropped, and a destructor"],
    );
    assert!(!ended.output.contains("survived"));
}
