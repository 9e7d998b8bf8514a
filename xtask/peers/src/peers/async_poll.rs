//! Futures that are polled by hand, without a runtime: what `async fn` costs by itself.

use crate::contestant::Contestant;
use crate::peer::{Crowd, Peer};
use crate::shared::turns::in_turn;
use crate::work::{Life, MANY, Value, Work};
use std::cell::Cell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::hint::black_box;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

pub struct AsyncPoll;

type Boxed<T> = Pin<Box<dyn Future<Output = T>>>;

/// Where a value is put before a poll, and found after it.
type Port<T> = Rc<Cell<T>>;

/// Hands a value to what polls, and returns the next one from it.
async fn suspend<T: Copy>(port: &Cell<T>, value: T) -> T {
    port.set(value);
    let mut polled = false;
    poll_fn(|_| {
        if std::mem::replace(&mut polled, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    port.get()
}

async fn echo<T: Copy>(port: Port<T>) -> Infallible {
    let mut value = port.get();
    loop {
        value = suspend(&port, value).await;
    }
}

/// The same, inside so many boxed futures that stay: a walk down through them in every poll.
fn kept(port: Port<usize>, depth: usize) -> Boxed<Infallible> {
    match depth {
        0 => Box::pin(echo(port)),
        _ => Box::pin(async move { kept(port, depth - 1).await }),
    }
}

/// Suspends inside so many boxed futures that are made for it, as calls are.
fn anew(
    port: &Cell<usize>,
    value: usize,
    depth: usize,
) -> Pin<Box<dyn Future<Output = usize> + '_>> {
    match depth {
        0 => Box::pin(suspend(port, value)),
        _ => Box::pin(async move { black_box(anew(port, value + 1, depth - 1).await) }),
    }
}

async fn echo_anew(port: Port<usize>, depth: usize) -> Infallible {
    let mut value = port.get();
    loop {
        value = anew(&port, value, depth).await;
    }
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls one future, with a value each way.
fn polled<T: Copy + 'static, F: Future + ?Sized + 'static>(
    variant: &str,
    port: Port<T>,
    mut future: Pin<Box<F>>,
    value: impl Fn(usize) -> T + 'static,
) -> Contestant {
    Contestant::new(variant, move |i| {
        port.set(black_box(value(i)));
        let _ = black_box(poll(future.as_mut()).is_pending());
        black_box(port.get());
    })
}

fn plain<T: Copy + Default + 'static>(value: fn(usize) -> T) -> Vec<Contestant> {
    let (port, other) = (Port::<T>::default(), Port::<T>::default());
    let boxed: Boxed<Infallible> = Box::pin(echo(other.clone()));
    vec![
        polled("static", port.clone(), Box::pin(echo(port)), value),
        polled("dyn", other, black_box(boxed), value),
    ]
}

impl Peer for AsyncPoll {
    fn name(&self) -> &'static str {
        "async, polled"
    }

    fn version(&self) -> String {
        "core::future".to_owned()
    }

    fn contestants(&self, work: Work) -> Vec<Contestant> {
        let word = Port::<usize>::default;
        match work {
            Work::RoundTrip {
                value: Value::Unit, ..
            } => plain(|_| ()),
            Work::RoundTrip {
                value: Value::Large,
                ..
            } => plain(|i| [i as u64; 8]),
            Work::RoundTrip {
                value: Value::Word,
                depth: 0,
            } => plain(|i| i),
            Work::RoundTrip {
                value: Value::Word,
                depth,
            } => {
                let (port, other) = (word(), word());
                let future: Boxed<Infallible> = Box::pin(echo_anew(other.clone(), depth));
                vec![
                    polled("boxed, kept", port.clone(), kept(port, depth), |i| i),
                    polled("boxed, anew", other, future, |i| i),
                ]
            }
            Work::Life(Life::KeptStack) => vec![Contestant::new("boxed", |i| {
                let mut future: Boxed<usize> = black_box(Box::pin(async move { i }));
                let _ = black_box(poll(future.as_mut()));
            })],
            Work::DropSuspended => vec![Contestant::new("boxed", |_| {
                let mut future: Boxed<()> = Box::pin(async { suspend(&Cell::new(()), ()).await });
                let _ = black_box(poll(future.as_mut()));
            })],
            Work::Turns { shuffled, depth } => {
                let one = |_| {
                    let port = word();
                    (port.clone(), kept(port, depth))
                };
                let all: Vec<(Port<usize>, Boxed<Infallible>)> = (0..MANY).map(one).collect();
                vec![in_turn("boxed", all, shuffled, |(port, future), i| {
                    port.set(i);
                    let _ = black_box(poll(future.as_mut()).is_pending());
                    black_box(port.get());
                })]
            }
            _ => Vec::new(),
        }
    }

    fn crowds(&self) -> Vec<Crowd> {
        vec![Crowd::new("boxed", || {
            let mut future = kept(Port::default(), 0);
            let _ = poll(future.as_mut()).is_pending();
            Ok(future)
        })]
    }
}
