//! Another thread, with a world of its own, which runs a few of the program's bytes when it is told to; and dumps of both.

use super::told::Told;
use super::world::{World, world};
use crate::expected::{ensure, fail};
use coro::track;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle, yield_now};
use std::time::Duration;

const NAME: &str = "other";
/// The longest part of a program that the other thread runs at a time.
const MOST_BYTES: usize = 40;

enum Order {
    Run(Vec<u8>),
    /// Come to safe points until the flag says that it is enough.
    Answer(Arc<AtomicBool>),
}

/// The thread; it ends when this is dropped.
pub(super) struct Other {
    /// `None` while it ends.
    orders: Option<Sender<Order>>,
    /// What it should tell, after each order.
    ended: Receiver<Told>,
    thread: Option<JoinHandle<()>>,
    told: Told,
}

/// Has the other thread do something, or asks both where their coroutines are.
pub(super) fn act(world: &World) {
    let (kind, length) = (world.bytes.below(4), world.bytes.below(MOST_BYTES));
    // It has no other thread itself, and while it works it is not to be asked again.
    if world.is_other.get() {
        return;
    }
    let mut other = world.other.take().unwrap_or_else(Other::begin);
    match kind {
        0 if world.may_dump() => other.dump(world, Duration::ZERO),
        1 if world.may_dump() => {
            let enough = Arc::new(AtomicBool::new(false));
            other.order(Order::Answer(Arc::clone(&enough)));
            other.dump(world, Duration::from_secs(60));
            enough.store(true, Ordering::Relaxed);
            other.wait();
        }
        0 | 1 => {}
        _ => {
            let bytes = (0..length).map_while(|_| world.bytes.next()).collect();
            other.order(Order::Run(bytes));
            other.wait();
        }
    }
    world.other.replace(Some(other));
}

impl Other {
    fn begin() -> Other {
        let (orders, taken) = channel();
        let (done, ended) = channel();
        let work = move || work(&taken, &done);
        let thread = Builder::new().name(NAME.to_owned()).spawn(work);
        Other {
            orders: Some(orders),
            ended,
            thread: Some(thread.expect("a thread")),
            told: Told::default(),
        }
    }

    fn order(&self, order: Order) {
        let orders = self.orders.as_ref().expect("it has not ended");
        orders.send(order).expect("it waits for orders");
    }

    fn wait(&mut self) {
        self.told = self.ended.recv().expect("it answers");
    }

    /// Asks all threads. Without time, the other one does not come to a safe point.
    fn dump(&self, world: &World, limit: Duration) {
        let mut text = Vec::new();
        track::dump_all(&mut text, limit).expect("a vector takes all");
        let (mut own, mut others) = (Told::default(), Told::default());
        let sections = Told::parse(&text);
        for (name, answered, told) in &sections {
            if name != NAME {
                own = told.clone();
            } else {
                let in_time = !limit.is_zero();
                ensure!(*answered == in_time, "the other has answered: {answered}");
                others = told.clone();
            }
        }
        let expected = match limit.is_zero() {
            true => self.told.by_records(),
            false => self.told.clone(),
        };
        if sections.len() > 2 || own != world.known.told() || others != expected {
            fail(&format!(
                "all threads tell of {sections:?}, not {expected:?} and here {:?}",
                world.known.told()
            ));
        }
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.orders = None;
        let thread = self.thread.take().expect("it ends once");
        ensure!(thread.join().is_ok(), "the other thread has panicked");
    }
}

fn work(orders: &Receiver<Order>, done: &Sender<Told>) {
    let world = world();
    world.is_other.set(true);
    for order in orders {
        match order {
            Order::Run(bytes) => {
                world.begin(&bytes);
                super::go_on(&world);
            }
            Order::Answer(enough) => {
                while !enough.load(Ordering::Relaxed) {
                    track::checkpoint();
                    yield_now();
                }
            }
        }
        let told = world.known.told();
        done.send(told).expect("the program waits");
    }
    world.end();
}
