//! tokio: a task that yields to the runtime, on one thread.

use crate::contestant::Contestant;
use crate::peer::Peer;
use crate::shared::lock;
use crate::work::{Life, Value, Work};
use std::hint::black_box;
use std::time::{Duration, Instant};
use tokio::runtime::Builder;

pub struct Tokio;

impl Peer for Tokio {
    fn name(&self) -> &'static str {
        "tokio"
    }

    fn version(&self) -> String {
        lock::version("tokio")
    }

    fn contestants(&self, work: Work) -> Vec<Contestant> {
        match work {
            Work::RoundTrip {
                value: Value::Unit,
                depth: 0,
            } => {
                vec![in_task("yield_now", async |n| {
                    for _ in 0..n {
                        tokio::task::yield_now().await;
                    }
                })]
            }
            Work::Life(Life::KeptStack) => vec![in_task("spawn, join", async |n| {
                for i in 0..n {
                    let _ = black_box(tokio::spawn(async move { i }).await);
                }
            })],
            _ => Vec::new(),
        }
    }
}

/// Runs in a task that was spawned, not in the one that the runtime blocks on.
fn in_task<F>(variant: &str, body: F) -> Contestant
where
    F: AsyncFn(u64) + Copy + 'static,
{
    let runtime = Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers");
    let tasks = tokio::task::LocalSet::new();
    Contestant::own_loop(variant, move |_, n| {
        let timed = async move {
            let start = Instant::now();
            body(n).await;
            start.elapsed()
        };
        let elapsed = tasks.block_on(&runtime, tasks.spawn_local(timed));
        elapsed.unwrap_or(Duration::ZERO)
    })
}
