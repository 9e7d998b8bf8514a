//! Coroutines as streams.

use crate::polling::run;
use coro::io::{PollRead, Shared};
use coro::{BlockOnError, Coroutine, CoroutineStream, StreamHandle, SuspendHandle, scope};
use futures_core::stream::{FusedStream, Stream};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::future::{pending, poll_fn};
use std::io::{self, BufRead};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use testing::Drops;
use tokio::sync::mpsc;
use tokio::task::{spawn_local, yield_now};

assert_impl_all!(CoroutineStream<*const ()>: Unpin);
assert_not_impl_any!(CoroutineStream<()>: Send, Sync);
assert_not_impl_any!(StreamHandle<'static, ()>: Send, Sync);

fn poll<Item>(stream: &mut CoroutineStream<Item>) -> Poll<Option<Item>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
}

async fn collect<Item>(mut stream: CoroutineStream<Item>) -> Vec<Item> {
    let mut all = Vec::new();
    while let Some(item) = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await {
        all.push(item);
    }
    all
}

#[test]
fn items_and_waits_in_any_order() {
    let mut stream = coro::stream(|handle| {
        handle.send('a');
        handle.send('b');
        handle.block_on(yield_now());
        handle.block_on(yield_now());
        handle.send('c');
        handle.block_on(yield_now());
    });
    let ready = |item| Poll::Ready(Some(item));
    let expected = [
        ready('a'),
        ready('b'),
        Poll::Pending,
        Poll::Pending,
        ready('c'),
    ];
    for polled in expected {
        assert_eq!(stream.size_hint(), (0, None));
        assert_eq!(poll(&mut stream), polled);
    }
    assert_eq!(poll(&mut stream), Poll::Pending);
    assert!(!stream.is_terminated(), "it is not known yet");
    for _ in 0..3 {
        assert_eq!(poll(&mut stream), Poll::Ready(None));
        assert!(stream.is_terminated());
        assert_eq!(stream.size_hint(), (0, Some(0)));
    }
}

#[test]
fn it_is_woken_like_a_future() {
    let (sender, mut receiver) = mpsc::channel(1);
    let doubled = run(async move {
        spawn_local(async move {
            for i in 0..100 {
                sender.send(i).await.unwrap();
            }
        });
        collect(coro::stream(move |handle| {
            while let Some(i) = handle.block_on(receiver.recv()) {
                handle.send(2 * i);
            }
        }))
        .await
    });
    assert_eq!(doubled, (0..100).map(|i| 2 * i).collect::<Vec<_>>());
}

#[test]
fn the_handle_serves_adapters_of_io() {
    struct Bytes(&'static [u8], bool);
    impl PollRead for Bytes {
        fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
            self.1 = !self.1;
            if self.1 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(io::Read::read(&mut self.0, &mut buf[..1]))
        }
    }
    let lines = run(collect(coro::stream(|handle: &StreamHandle<'_, _>| {
        let shared = Shared::new(Bytes(b"one\ntwo\nthree", false));
        let lines = shared.reader(handle).lines();
        lines.for_each(|line| handle.send(line.unwrap()));
    })));
    assert_eq!(lines, ["one", "two", "three"]);
}

#[test]
fn dropped_half_used_it_drops_every_local_and_no_item_twice() {
    let drops = Drops::new();
    let inside = drops.clone();
    let mut stream = coro::stream(move |handle| {
        let _local = inside.make();
        handle.send(inside.make());
        handle.send(inside.make());
        handle.block_on(pending::<()>());
    });
    let Poll::Ready(Some(first)) = poll(&mut stream) else {
        panic!("it sends at once");
    };
    drop(poll(&mut stream));
    assert_eq!(drops.alive(), 2, "the local and the first item");
    assert!(poll(&mut stream).is_pending());
    drop(stream);
    assert_eq!(drops.alive(), 1);
    drop(first);
    assert_eq!((drops.alive(), drops.dropped()), (0, 3));
}

#[test]
fn a_panic_reaches_the_poll_and_ends_it() {
    let mut stream = coro::stream(|handle| {
        handle.send(1);
        resume_unwind(Box::new("inside"));
    });
    assert_eq!(poll(&mut stream), Poll::Ready(Some(1)));
    let payload = catch_unwind(AssertUnwindSafe(|| poll(&mut stream))).unwrap_err();
    assert_eq!(*payload.downcast::<&str>().unwrap(), "inside");
    assert!(stream.is_terminated());
    assert_eq!(poll(&mut stream), Poll::Ready(None));
}

#[test]
fn where_it_cannot_suspend_it_does_not_send() {
    let drops = Drops::new();
    let inside = drops.clone();
    let mut stream = coro::stream(move |handle: &StreamHandle<'_, _>| {
        let refused = |send: &mut dyn FnMut()| {
            let payload = catch_unwind(AssertUnwindSafe(send)).unwrap_err();
            let message = *payload.downcast::<String>().unwrap();
            assert!(message.contains("cannot wait"), "{message}");
        };
        // Inside of a future that it polls: the poll's context is in use.
        refused(&mut || {
            handle.block_on(poll_fn(|_| {
                handle.send(inside.make());
                Poll::Ready(())
            }));
        });
        // On another stack.
        refused(&mut || {
            scope(|s| {
                let mut inner = s.coroutine(|_: &SuspendHandle<(), ()>, ()| {
                    assert_eq!(
                        handle.try_block_on(pending::<()>()),
                        Err(BlockOnError::NotHere)
                    );
                    handle.send(inside.make());
                });
                inner.resume(());
            });
        });
        assert_eq!((inside.alive(), inside.dropped()), (0, 2));
        handle.send(inside.make());
    });
    let sent = poll(&mut stream);
    assert!(matches!(sent, Poll::Ready(Some(_))));
    assert!(matches!(poll(&mut stream), Poll::Ready(None)));
    drop(sent);
    assert_eq!((drops.alive(), drops.dropped()), (0, 3));
}

#[test]
fn built_with_a_name() {
    let stream = Coroutine::builder()
        .name("lines")
        .build_stream(|handle| handle.send(handle.name().map(String::from)));
    assert_eq!(run(collect(stream.unwrap())), [Some("lines".to_owned())]);
}
