//! The order in which many coroutines take turns.

/// The numbers below `n`, in order or in one fixed random order.
pub fn shuffled(n: usize, in_order: bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    if !in_order {
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
