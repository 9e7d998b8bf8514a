//! A thread of a generation.

use crate::herd::{DynamicHerd, Herd};
use crate::overflow;
use std::sync::Mutex;
use std::time::Instant;
use sure_stack::{PoolConfig, PooledStack, Stack, StackArena};
use testing::Random;

/// The targets whose programs may run on many threads at once.
const TARGETS: [&str; 5] = ["bridge", "dynamic", "ends", "lending", "scopes"];
/// The longest program, in bytes.
const LONGEST: usize = 300;
/// How many stacks wait to be taken by another thread.
const MOST_ON_SALE: usize = 64;

/// Stacks that threads give to each other.
pub(crate) struct Market {
    stacks: Mutex<Vec<Box<dyn Stack + Send>>>,
    pub(crate) arena: StackArena,
}

impl Market {
    pub(crate) fn new() -> Market {
        Market {
            stacks: Mutex::default(),
            arena: StackArena::new(96 << 10).expect("a size"),
        }
    }

    pub(crate) fn give(&self, stack: Box<dyn Stack + Send>) {
        let mut stacks = self.stacks.lock().expect("no worker panics");
        if stacks.len() < MOST_ON_SALE {
            return stacks.push(stack);
        }
        drop(stacks);
        drop(stack);
    }

    /// One that another thread gave, perhaps.
    pub(crate) fn take(&self, which: usize) -> Option<Box<dyn Stack + Send>> {
        let mut stacks = self.stacks.lock().expect("no worker panics");
        let count = stacks.len();
        (count > 0).then(|| stacks.swap_remove(which % count))
    }
}

/// The hook that the programs of bytes need; what they raise is their own.
pub(crate) fn quiet_panics() {
    let target = fuzz::target("ends").expect("a target");
    (target.prepare)();
    // What a scope alone unwinds, because it was leaked, is a leak of some bytes.
    fuzz::forbid_leaks();
}

/// Works until `end`, and returns how many acts that were.
pub(crate) fn work(seed: u64, market: &Market, end: Instant, overflows: bool) -> usize {
    let mut random = Random::new(seed);
    let targets = TARGETS.map(|name| fuzz::target(name).expect("a target"));
    let (mut herd, mut dynamic) = (Herd::new(market), DynamicHerd::new());
    let mut acts = 0;
    while Instant::now() < end {
        match random.below(8) {
            0 | 1 => {
                let length = random.below(LONGEST);
                let program: Vec<u8> = (0..length).map(|_| random.bits() as u8).collect();
                (targets[random.below(targets.len())].run)(&program);
            }
            2 | 3 => dynamic.act(&mut random),
            4 if random.below(40) == 0 => pool(&mut random),
            _ => herd.act(&mut random),
        }
        acts += 1;
    }
    if overflows {
        overflow::in_child(seed);
    }
    acts
}

/// Has the thread's pool keep something else.
fn pool(random: &mut Random) {
    match random.below(3) {
        0 => drop(PooledStack::trim()),
        1 => PooledStack::configure(PoolConfig::new()),
        _ => PooledStack::configure(
            PoolConfig::new()
                .kept_stacks(random.below(20))
                .kept_bytes(random.below(4 << 20)),
        ),
    }
}
