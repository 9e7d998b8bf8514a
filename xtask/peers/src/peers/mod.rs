//! Everything that is compared, a file each.

mod async_poll;
mod boost;
mod coro;
mod coro_dynamic;
mod corosensei;
mod floor;
mod genawaiter;
mod generator;
mod go;
mod greenlet;
mod may;
mod stacker;
mod threads;
mod tokio;

use crate::peer::Peer;

/// In the order of the report.
pub fn all() -> Vec<Box<dyn Peer>> {
    vec![
        Box::new(coro::Coro),
        Box::new(coro_dynamic::CoroDynamic),
        Box::new(corosensei::Corosensei),
        Box::new(generator::Generator),
        Box::new(may::May),
        Box::new(stacker::Stacker),
        Box::new(boost::Boost::Fcontext),
        Box::new(boost::Boost::Fiber),
        Box::new(boost::Boost::Coroutine2),
        Box::new(greenlet::Greenlet),
        Box::new(go::Go),
        Box::new(async_poll::AsyncPoll),
        Box::new(genawaiter::Genawaiter),
        Box::new(tokio::Tokio),
        Box::new(threads::Threads),
        Box::new(floor::Floor),
    ]
}

/// Whether it is this workspace's own: what `--compare` holds to its earlier figures.
pub fn is_ours(name: &str) -> bool {
    name == "coro" || name == "coro-dynamic"
}
