//! may: coroutines with a scheduler, here with a single worker.
//!
//! Its coroutines do not hand values to a resumer: what is compared is a turn of the scheduler, and
//! a word sent to another coroutine and back.

use crate::contestant::Contestant;
use crate::peer::{Crowd, Peer};
use crate::shared::lock;
use crate::work::{Life, Value, Work};
use may::coroutine::{self, JoinHandle};
use may::sync::mpsc::channel;
use std::hint::black_box;
use std::time::{Duration, Instant};

pub struct May;

/// As large as ours. Sizes are in words.
const STACK: usize = 256 << 10 >> 3;

fn spawn<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    // Has an effect before the first coroutine only.
    may::config().set_workers(1).set_stack_size(STACK);
    // SAFETY: the bodies here use no thread-locals across a yield, are never cancelled, and use
    // little stack.
    unsafe { coroutine::spawn(body) }
}

/// Runs in a coroutine of its own, from which others are spawned and waited for.
fn timed(body: impl FnOnce() + Send + 'static) -> Duration {
    let timed = spawn(|| {
        let start = Instant::now();
        body();
        start.elapsed()
    });
    timed.join().expect("no panic")
}

impl Peer for May {
    fn name(&self) -> &'static str {
        "may"
    }

    fn version(&self) -> String {
        lock::version("may")
    }

    fn contestants(&self, work: Work) -> Vec<Contestant> {
        match work {
            Work::RoundTrip {
                value: Value::Unit,
                depth: 0,
            } => {
                vec![Contestant::own_loop("yield_now", |_, n| {
                    timed(move || (0..n).for_each(|_| coroutine::yield_now()))
                })]
            }
            Work::RoundTrip {
                value: Value::Word,
                depth: 0,
            } => {
                vec![Contestant::own_loop("two channels", |_, n| {
                    timed(move || word(n))
                })]
            }
            Work::Life(Life::KeptStack) => vec![Contestant::own_loop("spawn, join", |_, n| {
                timed(move || {
                    for i in 0..n {
                        let _ = black_box(spawn(move || i).join());
                    }
                })
            })],
            _ => Vec::new(),
        }
    }

    fn crowds(&self) -> Vec<Crowd> {
        vec![Crowd::new("", || {
            let (started, starts) = std::sync::mpsc::channel();
            let parked = spawn(move || {
                let _ = started.send(());
                coroutine::park();
            });
            starts.recv().map_err(|error| error.to_string())?;
            Ok(parked)
        })]
    }
}

fn word(n: u64) {
    let (there, arrives) = channel::<u64>();
    let (back, returns) = channel();
    let echo = spawn(move || {
        while let Ok(value) = arrives.recv() {
            let _ = back.send(value);
        }
    });
    for i in 0..n {
        let _ = there.send(i);
        let _ = black_box(returns.recv());
    }
    drop(there);
    let _ = echo.join();
}
