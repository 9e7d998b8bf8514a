//! What the tests of futures and streams share.

use coro::CoroutineFuture;
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Wake, Waker};
use tokio::task::LocalSet;

/// Runs on one thread of tokio, with `spawn_local`.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    LocalSet::new().block_on(&runtime.unwrap(), future)
}

/// Counts wakes.
#[derive(Debug, Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Polls once, with a waker of its own.
pub(crate) fn poll_once<R>(future: &mut CoroutineFuture<R>) -> (Poll<R>, Arc<Wakes>) {
    let wakes = Arc::<Wakes>::default();
    let waker = Waker::from(wakes.clone());
    let polled = pin!(future).poll(&mut Context::from_waker(&waker));
    (polled, wakes)
}

/// Pending once; leaves its waker for the test to wake.
pub(crate) fn once(left: Rc<Cell<Option<Waker>>>) -> impl Future<Output = ()> {
    let mut first = true;
    poll_fn(move |context| {
        if !std::mem::take(&mut first) {
            return Poll::Ready(());
        }
        left.set(Some(context.waker().clone()));
        Poll::Pending
    })
}
