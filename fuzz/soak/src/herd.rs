//! Many coroutines that are alive at once, and live long: programs of bytes are short.

use crate::worker::Market;
use coro::{Coroutine, CoroutineState, SuspendHandle};
use coro_dynamic::{DynamicCoroutine, DynamicHandle, RunStack};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use sure_stack::{GuardedMmapStack, PooledStack, Stack};
use testing::{Counted, Drops, Random};

const MOST: usize = 150;

/// What a coroutine is told.
#[derive(Clone, Copy)]
enum Order {
    Add(u64),
    Finish,
    Panic,
}

/// What the orders do, in coroutines of either kind.
fn obey(counted: &Drops, first: Order, mut suspend: impl FnMut(u64) -> Order) -> u64 {
    let mut kept: Vec<(Counted, String)> = Vec::new();
    let (mut sum, mut order) = (0_u64, first);
    loop {
        match order {
            Order::Add(n) => {
                sum = sum.wrapping_add(n);
                kept.push((counted.make(), format!("{n}")));
                kept.truncate(4);
            }
            Order::Finish => return sum,
            Order::Panic => resume_unwind(Box::new(sum)),
        }
        order = suspend(sum);
    }
}

fn order(random: &mut Random) -> Order {
    match random.below(20) {
        0 => Order::Finish,
        1 => Order::Panic,
        _ => Order::Add(random.bits()),
    }
}

/// Compares what an order has brought with the sum; the next one, while there is one.
fn judge(
    result: std::thread::Result<CoroutineState<u64, u64>>,
    order: Order,
    sum: u64,
) -> Option<u64> {
    match (result, order) {
        (Ok(CoroutineState::Yielded(found)), Order::Add(n)) => {
            let sum = sum.wrapping_add(n);
            assert_eq!(found, sum);
            Some(sum)
        }
        (Ok(CoroutineState::Complete(found)), Order::Finish) => {
            assert_eq!(found, sum);
            None
        }
        (Err(payload), Order::Panic) => {
            assert_eq!(payload.downcast_ref(), Some(&sum));
            None
        }
        (result, _) => panic!("an order brought {:?}", result.is_ok()),
    }
}

type Member = Coroutine<Order, u64, u64, Box<dyn Stack + Send>>;

/// Coroutines on stacks of every kind, with their sums.
pub(crate) struct Herd<'m> {
    market: &'m Market,
    counted: Drops,
    members: Vec<(Member, u64)>,
}

impl<'m> Herd<'m> {
    pub(crate) fn new(market: &'m Market) -> Herd<'m> {
        Herd {
            market,
            counted: Drops::new(),
            members: Vec::new(),
        }
    }

    pub(crate) fn act(&mut self, random: &mut Random) {
        let count = self.members.len();
        if count == 0 || (count < MOST && random.below(10) == 0) {
            return self.create(random);
        }
        let which = random.below(count);
        match random.below(30) {
            0 => drop(self.members.swap_remove(which)),
            1 => {
                let (mut member, _) = self.members.swap_remove(which);
                member.unwind();
                let stack = member.into_stack().expect("it is complete");
                self.market.give(stack);
            }
            2 => {
                self.members[which].0.release_unused();
            }
            3 if random.below(20) == 0 => self.members.clear(),
            _ => self.resume(which, random),
        }
    }

    fn create(&mut self, random: &mut Random) {
        let stack: Box<dyn Stack + Send> = match random.below(5) {
            0 => Box::new(PooledStack::new().expect("a stack")),
            1 => {
                let size = (16 << 10) << random.below(8);
                Box::new(PooledStack::allocate_at_least(size).expect("a stack"))
            }
            2 if random.below(8) == 0 => {
                Box::new(GuardedMmapStack::allocate_at_least(32 << 10).expect("a stack"))
            }
            2 | 3 => Box::new(self.market.arena.allocate().expect("a stack")),
            _ => match self.market.take(random.below(64)) {
                Some(stack) => stack,
                None => Box::new(PooledStack::new().expect("a stack")),
            },
        };
        let counted = self.counted.clone();
        let body = move |handle: &SuspendHandle<Order, u64>, first| {
            obey(&counted, first, |sum| handle.suspend(sum))
        };
        let member = Coroutine::with_stack(stack, body);
        self.members.push((member, 0));
    }

    fn resume(&mut self, which: usize, random: &mut Random) {
        let order = order(random);
        let (member, sum) = &mut self.members[which];
        let result = catch_unwind(AssertUnwindSafe(|| member.resume(order)));
        match judge(result, order, *sum) {
            Some(next) => *sum = next,
            None => {
                let (member, _) = self.members.swap_remove(which);
                let stack = member.into_stack().expect("it is complete");
                self.market.give(stack);
            }
        }
    }
}

impl Drop for Herd<'_> {
    fn drop(&mut self) {
        self.members.clear();
        assert_eq!(self.counted.alive(), 0, "values live at the end");
    }
}

/// Dynamic coroutines, on the thread's own stack and on a run stack.
pub(crate) struct DynamicHerd {
    counted: Drops,
    run_stack: RunStack,
    members: Vec<(DynamicCoroutine<Order, u64, u64>, u64)>,
}

impl DynamicHerd {
    pub(crate) fn new() -> DynamicHerd {
        DynamicHerd {
            counted: Drops::new(),
            run_stack: RunStack::new(256 << 10).expect("a stack"),
            members: Vec::new(),
        }
    }

    pub(crate) fn act(&mut self, random: &mut Random) {
        let count = self.members.len();
        if count == 0 || (count < MOST && random.below(10) == 0) {
            return self.create(random);
        }
        let which = random.below(count);
        match random.below(30) {
            0 => drop(self.members.swap_remove(which)),
            1 => {
                let (member, _) = self.members.swap_remove(which);
                assert!(member.unwind().is_ok(), "its thread's own stack has room");
            }
            _ => {
                let order = order(random);
                let (member, sum) = &mut self.members[which];
                let result = catch_unwind(AssertUnwindSafe(|| member.resume(order)));
                match judge(result, order, *sum) {
                    Some(next) => *sum = next,
                    None => drop(self.members.swap_remove(which)),
                }
            }
        }
    }

    fn create(&mut self, random: &mut Random) {
        let counted = self.counted.clone();
        let body = move |handle: &DynamicHandle<Order, u64>, first| {
            obey(&counted, first, |sum| handle.suspend(sum))
        };
        let member = match random.below(2) {
            // SAFETY: (1) to (4) the body lends no address of a local, uses none of others' frames but what it owns, starts no
            // threads, and is left by switches and unwinding only. (5) No memory depends on its destructors.
            0 => unsafe { DynamicCoroutine::new(body) },
            // SAFETY: (1) to (5) as above.
            _ => unsafe { DynamicCoroutine::on_run_stack(&self.run_stack, body) },
        };
        self.members.push((member, 0));
    }
}

impl Drop for DynamicHerd {
    fn drop(&mut self) {
        self.members.clear();
        assert_eq!(self.counted.alive(), 0, "values live at the end");
    }
}
