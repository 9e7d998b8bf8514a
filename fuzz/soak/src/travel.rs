//! Coroutines that are resumed on one thread after another, and end on any of them.

use crate::herd::{self, Order};
use coro::{Coroutine, Movable, SuspendHandle};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use testing::Random;

const MOST: usize = 60;

/// With its sum.
pub(crate) type Traveller = (Movable<Coroutine<Order, u64, u64>>, u64);

/// Does something with one of them, while no other thread can.
pub(crate) fn act(travellers: &Mutex<Vec<Traveller>>, random: &mut Random) {
    let taken = {
        let mut travellers = travellers.lock().expect("no worker panics");
        let count = travellers.len();
        let create = count == 0 || (count < MOST && random.below(8) == 0);
        (!create).then(|| travellers.swap_remove(random.below(count)))
    };
    let Some((mut traveller, sum)) = taken else {
        let traveller = (create(random), 0);
        return travellers.lock().expect("no worker panics").push(traveller);
    };
    if random.below(30) == 0 {
        return drop(traveller);
    }
    let order = herd::order(random);
    let result = catch_unwind(AssertUnwindSafe(|| traveller.resume(order)));
    if let Some(sum) = herd::judge(result, order, sum) {
        travellers
            .lock()
            .expect("no worker panics")
            .push((traveller, sum));
    }
}

fn create(random: &mut Random) -> Movable<Coroutine<Order, u64, u64>> {
    let name = random.bits();
    let builder = Coroutine::builder().stack_size((16 << 10) << random.below(6));
    let builder = match name & 1 {
        0 => builder,
        _ => builder.name(format!("traveller {name}")),
    };
    let coroutine = builder.build(|handle: &SuspendHandle<Order, u64>, mut order| {
        // Goes with the frames, and is dropped on the thread where they end.
        let mut kept = Vec::new();
        let mut sum = 0_u64;
        loop {
            match order {
                Order::Add(n) => {
                    sum = sum.wrapping_add(n);
                    kept.push(format!("{n}"));
                    kept.truncate(4);
                }
                Order::Finish => return sum,
                Order::Panic => raise(sum),
            }
            order = handle.suspend(sum);
        }
    });
    // SAFETY: (1) its frames hold numbers, strings and the handle. (2) No function that is suspended uses a thread-local: panics,
    // which count in one, begin in a function that is not inlined. (3) It is suspended in no destructor. (4) It does not grow.
    // (5) No foreign code is in its frames.
    unsafe { Movable::new(coroutine.expect("a stack")) }
}

#[inline(never)]
fn raise(sum: u64) -> ! {
    resume_unwind(Box::new(sum))
}
