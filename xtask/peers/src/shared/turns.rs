//! Many coroutines that take turns.

use crate::contestant::Contestant;

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
    Contestant::new(variant, move |_| {
        resume(&mut all[order[next]], next);
        next = if next + 1 == order.len() { 0 } else { next + 1 };
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
    Contestant::new(&format!("prefetch {AHEAD} ahead"), move |_| {
        prefetch(&all[order[next + AHEAD]]);
        resume(&mut all[order[next]], next);
        next = if next + 1 == order.len() - AHEAD {
            0
        } else {
            next + 1
        };
    })
}
