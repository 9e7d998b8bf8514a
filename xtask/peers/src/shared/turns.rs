//! Many coroutines that take turns.

use crate::contestant::Contestant;
use std::time::Instant;

/// The numbers below `n`, in order or in one fixed random order.
pub fn order(n: usize, shuffled: bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    if shuffled {
        // xorshift64: any fixed shuffle will do, the same for all contestants.
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        for i in (1..n).rev() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            order.swap(i, (state % (i as u64 + 1)) as usize);
        }
    }
    order
}

/// Resumes one of `all` in each repetition.
pub fn in_turn<T: 'static>(
    variant: &str,
    mut all: Vec<T>,
    shuffled: bool,
    mut resume: impl FnMut(&mut T, usize) + 'static,
) -> Contestant {
    let order = order(all.len(), shuffled);
    let mut next = 0;
    looped(variant, move |repetitions| {
        for _ in 0..repetitions {
            resume(&mut all[order[next]], next);
            next = if next + 1 == order.len() { 0 } else { next + 1 };
        }
    })
}

/// A loop of its own, in one place: a turn takes long enough for layouts not to matter. But the compiler makes a function of a turn
/// that is repeated in several places, and a resume that stands in a function, which returns before the next, has the
/// processor predict the coroutine's returns wrongly. It would find that out only when the return addresses
/// have arrived from cold memory: the row would be about that, and nothing else.
fn looped(variant: &str, mut turns: impl FnMut(u64) + 'static) -> Contestant {
    Contestant::own_loop(variant, move |_, repetitions| {
        let start = Instant::now();
        turns(repetitions);
        start.elapsed()
    })
}

/// How many turns ahead a scheduler prefetches.
const AHEAD: usize = 6;

/// The same, where what is resumed some turns later is prefetched.
pub fn in_turn_prefetched<T: 'static>(
    mut all: Vec<T>,
    shuffled: bool,
    prefetch: impl Fn(&T) + 'static,
    mut resume: impl FnMut(&mut T, usize) + 'static,
) -> Contestant {
    let mut order = order(all.len(), shuffled);
    order.extend_from_within(..AHEAD);
    let mut next = 0;
    looped(&format!("prefetch {AHEAD} ahead"), move |repetitions| {
        for _ in 0..repetitions {
            prefetch(&all[order[next + AHEAD]]);
            resume(&mut all[order[next]], next);
            next = if next + 1 == order.len() - AHEAD {
                0
            } else {
                next + 1
            };
        }
    })
}
