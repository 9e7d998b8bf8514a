//! Benchmarks of the workspace, apart from its crates so that a build of those
//! never compiles criterion.
//!
//! - `round_trip`: resume and suspend, at several depths and with several types
//! - `lifetime`: creating, finishing, and dropping coroutines and stacks
//! - `many`: ten thousand coroutines that take turns
//! - `arenas`: ten thousand to a million of them, on stacks of several layouts
//! - `stacks`: where stacks come from, thousands alive
//! - `bridge`: iterators, futures and streams
//! - `dynamic`: coroutines whose frames are copied
//!
//! The program `counts` does the work whose instructions `cargo xtask count-instructions` holds to
//! a budget. `NOTES.md` says what was tried, and what it gave.
//!
//! `cargo bench` runs all, `cargo bench --bench many -- shuffled` some. What takes
//! gigabytes is left out by `-- --quick`, and where memory is short.

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

/// Whether there is time and memory for something that takes so many bytes. If
/// not, says so.
pub fn has_room_for(what: &str, bytes: u64) -> bool {
    // `--test` is what `cargo test --benches` passes.
    if std::env::args().any(|word| word == "--quick" || word == "--test") {
        eprintln!("{what}: left out of a quick run");
        return false;
    }
    let available = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("MemAvailable:"))?;
            let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
            Some(kilobytes << 10)
        });
    let enough = available.is_some_and(|available| available / 4 * 3 >= bytes);
    if !enough {
        eprintln!(
            "{what}: left out, because it takes {} MiB of memory",
            bytes >> 20
        );
    }
    enough
}
