//! Stacks of pools, arenas and mappings of their own, on several threads: taken on one, written to, returned on another, while
//! pools are trimmed and configured. No two that are out share a byte, none loses what was written to it, and arenas count right.
//!
//! Workers take turns, so an input does the same each time; only in a burst do all of them work at once, each on stacks of its own.

use crate::bytes::Bytes;
use crate::expected::ensure;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use sure_stack::{
    ArenaConfig, GuardedMmapStack, Guards, LARGEST_POOLED_SIZE, PoolConfig, PooledStack, Reclaim,
    Stack, StackArena, high_water_mark, release_below,
};

const WORKERS: usize = 3;
const MOST_STACKS: usize = 40;
/// What pooled stacks are asked for.
const SIZES: [usize; 8] = [
    1,
    16 << 10,
    (16 << 10) + 1,
    100_000,
    256 << 10,
    1 << 20,
    LARGEST_POOLED_SIZE,
    LARGEST_POOLED_SIZE + 1,
];
/// What arenas are made for.
const ARENA_SIZES: [usize; 4] = [1, 20_000, 64 << 10, 300_000];

pub(crate) fn run(bytes: &[u8]) {
    PooledStack::trim();
    let before: Vec<usize> = SIZES.iter().map(|&size| live(size)).collect();
    let bytes = Bytes::new(bytes);
    let table = Mutex::new(Table {
        out: Vec::new(),
        arenas: [arena(&bytes), arena(&bytes)].into(),
    });
    thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                let (orders, taken) = channel();
                let (done, ended) = channel();
                let table = &table;
                let thread = scope.spawn(move || work(table, &taken, &done));
                (orders, ended, thread)
            })
            .collect();
        let order = |which: usize, order| {
            let sent = workers[which].0.send(order);
            sent.expect("a worker waits for orders");
        };
        let wait = |which: usize| workers[which].1.recv().expect("a worker answers");
        while let Some(byte) = bytes.next() {
            let (act, argument) = (bytes.below(256) as u8, bytes.below(256) as u8);
            if byte == 255 {
                (0..WORKERS).for_each(|which| order(which, Order::Burst(act, argument)));
                (0..WORKERS).for_each(wait);
            } else {
                let which = usize::from(byte) % WORKERS;
                order(which, Order::Act(act, argument));
                wait(which);
            }
            table.lock().expect("no worker panics").check();
        }
        // A scope does not wait for what threads do after their closures: there they give their pools back.
        for (orders, _, thread) in workers {
            drop(orders);
            thread.join().expect("no worker panics");
        }
    });
    let table = table.into_inner().expect("no worker panics");
    drop(table.out);
    PooledStack::trim();
    for (arena, _) in &table.arenas {
        ensure!(arena.statistics().live == 0, "stacks of an arena are out");
        arena.trim();
        let after = arena.statistics();
        let rest = (
            after.kept,
            after.used,
            after.reservations,
            after.protected_guards,
        );
        ensure!(
            rest == (0, 0, 0, 0),
            "an empty arena, trimmed, has {after:?}"
        );
    }
    for (size, before) in SIZES.iter().zip(before) {
        let after = live(*size);
        ensure!(
            after == before,
            "{after} stacks of {size} bytes are out, not {before}"
        );
    }
}

/// How many stacks of a pooled size are out.
fn live(size: usize) -> usize {
    PooledStack::arena_of(size).map_or(0, |arena| arena.statistics().live)
}

/// An arena of some shape, and the least size of its stacks.
fn arena(bytes: &Bytes) -> (StackArena, usize) {
    let size = ARENA_SIZES[bytes.below(ARENA_SIZES.len())];
    let choices = bytes.below(256);
    let config = ArenaConfig::new()
        .stack_size(size)
        .guards(if choices & 1 == 0 {
            Guards::Automatic
        } else {
            Guards::Mprotect
        })
        .reclaim(if choices & 2 == 0 {
            Reclaim::AtOnce
        } else {
            Reclaim::Lazily
        })
        .coloured(choices & 4 == 0)
        .keep(choices >> 3);
    (config.build().expect("a size"), size)
}

enum Order {
    Act(u8, u8),
    Burst(u8, u8),
}

fn work(table: &Mutex<Table>, orders: &Receiver<Order>, done: &Sender<()>) {
    for order in orders {
        match order {
            Order::Act(act, argument) => table.lock().expect("no worker panics").act(act, argument),
            Order::Burst(act, argument) => burst(table, act, argument),
        }
        done.send(()).expect("the program waits");
    }
}

/// Takes and returns stacks while the other workers do, and exchanges one with them through the table.
fn burst(table: &Mutex<Table>, act: u8, argument: u8) {
    let size = SIZES[usize::from(argument) % 6];
    for round in 0..4 {
        let (arena, least) = {
            let table = table.lock().expect("no worker panics");
            table.arenas[usize::from(act) % 2].clone()
        };
        let one = Out::new(pooled(size), size, None);
        let two = Out::new(Box::new(arena.allocate().expect("a stack")), least, None);
        one.check();
        two.check();
        drop(two);
        if act & 4 != 0 {
            PooledStack::trim();
        }
        if act & 8 != 0 {
            arena.trim();
        }
        let other = {
            let mut table = table.lock().expect("no worker panics");
            table.out.push(one);
            // Another worker's, perhaps.
            let which = usize::from(argument) * round % table.out.len();
            table.out.swap_remove(which)
        };
        other.check();
    }
}

fn pooled(size: usize) -> Box<dyn Stack + Send> {
    Box::new(PooledStack::allocate_at_least(size).expect("a stack"))
}

/// A stack that is out, with a mark near each end.
struct Out {
    stack: Box<dyn Stack + Send>,
    mark: u64,
    /// Which of the table's arenas it is from.
    arena: Option<usize>,
}

impl Out {
    fn new(stack: Box<dyn Stack + Send>, least: usize, arena: Option<usize>) -> Out {
        let (limit, base) = (stack.limit().addr().get(), stack.base().addr().get());
        ensure!(
            base - limit >= least,
            "a stack of {} bytes, not {least}",
            base - limit
        );
        let mark = (base as u64).rotate_left(32) ^ limit as u64;
        let out = Out { stack, mark, arena };
        // SAFETY: two words inside a stack that is owned, and on which nothing runs.
        unsafe {
            out.high().write_unaligned(mark);
            out.low().write_unaligned(mark);
        }
        out
    }

    fn high(&self) -> *mut u64 {
        self.stack.base().as_ptr().wrapping_sub(8).cast()
    }

    fn low(&self) -> *mut u64 {
        self.stack.limit().as_ptr().cast()
    }

    fn check(&self) {
        // SAFETY: two words inside the stack, which were written, or given back and read as 0.
        let found = unsafe { (self.high().read_unaligned(), self.low().read_unaligned()) };
        let low = found.1 == self.mark || found.1 == 0;
        ensure!(
            found.0 == self.mark && low,
            "{found:x?} in a stack, not {:x}",
            self.mark
        );
    }

    fn bytes(&self) -> Range<usize> {
        self.stack.limit().addr().get()..self.stack.base().addr().get()
    }
}

struct Table {
    out: Vec<Out>,
    /// With the least size of their stacks.
    arenas: Vec<(StackArena, usize)>,
}

impl Table {
    /// Does one thing on the present thread.
    fn act(&mut self, act: u8, argument: u8) {
        let number = usize::from(argument);
        match act % 16 {
            0..5 if self.out.len() < MOST_STACKS => {
                let size = SIZES[number % SIZES.len()];
                self.out.push(Out::new(pooled(size), size, None));
            }
            5..7 if self.out.len() < MOST_STACKS => {
                let which = number % self.arenas.len();
                let (arena, least) = &self.arenas[which];
                let stack = arena.allocate().expect("a stack");
                self.out
                    .push(Out::new(Box::new(stack), *least, Some(which)));
            }
            7 if self.out.len() < MOST_STACKS => {
                let size = 1 + number * 1000;
                let stack = GuardedMmapStack::allocate_at_least(size).expect("a stack");
                self.out.push(Out::new(Box::new(stack), size, None));
            }
            8 => drop(PooledStack::trim()),
            9 => PooledStack::configure(
                PoolConfig::new()
                    .kept_stacks(number & 7)
                    .kept_bytes((number >> 3) << 14)
                    .measure(number & 64 != 0),
            ),
            10 => {
                let statistics = PooledStack::statistics();
                ensure!(statistics.kept == PooledStack::kept(), "{statistics:?}");
                ensure!(
                    PooledStack::usage().largest() <= LARGEST_POOLED_SIZE * 2,
                    "usage"
                );
            }
            11 => drop(self.arenas[number % self.arenas.len()].0.trim()),
            12 => self.release(number),
            13 => self.write(number),
            _ if !self.out.is_empty() => {
                let which = number % self.out.len();
                let out = self.out.swap_remove(which);
                out.check();
            }
            _ => {}
        }
    }

    fn release(&self, number: usize) {
        if let Some(out) = self.out.get(number % self.out.len().max(1)) {
            let address = out.stack.base().as_ptr().wrapping_sub(16);
            // SAFETY: (1) nothing is needed but the mark at the high end. (2) Nothing runs there.
            unsafe { release_below(&*out.stack, address) };
            out.check();
        }
    }

    fn write(&self, number: usize) {
        if let Some(out) = self.out.get(number % self.out.len().max(1)) {
            let room = out.stack.base().addr().get() - out.stack.limit().addr().get();
            let used = (number * 97).clamp(16, room - 16);
            let address = out.stack.base().as_ptr().wrapping_sub(used);
            // SAFETY: a byte of the stack, between the marks.
            unsafe { address.write(1) };
            // The mark at the low end counts as used, unless its page was given back.
            ensure!(high_water_mark(&*out.stack) >= used, "less than was used");
        }
    }

    /// No two overlap, each has its marks, and the arenas know how many are out.
    fn check(&self) {
        let mut ranges: Vec<_> = self.out.iter().map(Out::bytes).collect();
        ranges.sort_by_key(|range| range.start);
        for pair in ranges.windows(2) {
            ensure!(
                pair[0].end < pair[1].start,
                "two stacks share bytes: {pair:x?}"
            );
        }
        self.out.iter().for_each(Out::check);
        for (which, (arena, _)) in self.arenas.iter().enumerate() {
            let of_it = self.out.iter().filter(|out| out.arena == Some(which));
            let (live, found) = (of_it.count(), arena.statistics());
            ensure!(found.live == live, "{live} stacks are out, not {found:?}");
            ensure!(found.live + found.kept <= found.used, "{found:?}");
            ensure!(found.protected_guards <= found.used, "{found:?}");
        }
    }
}
