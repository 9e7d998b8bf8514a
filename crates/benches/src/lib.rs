//! Benchmarks of the workspace, apart from its crates so that a build of those
//! never compiles criterion.
//!
//! - `round_trip`: resume and suspend, at several depths and with several types
//! - `lifetime`: creating, finishing, and dropping coroutines and stacks
//! - `many`: ten thousand coroutines that take turns
//! - `dynamic`: coroutines whose frames are copied
//!
//! `cargo bench` runs all, `cargo bench --bench many -- shuffled` some.

/// The numbers below `n` in one fixed random order (Fisher and Yates, with
/// Marsaglia's xorshift64).
pub fn shuffled(n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for i in (1..n).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        order.swap(i, (state % (i as u64 + 1)) as usize);
    }
    order
}
