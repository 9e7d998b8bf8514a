//! Very many coroutines suspended at once, in one thread, on one stack.
//!
//! ```text
//! cargo run --release --example hundred_million -- 100000000
//! ```
//!
//! Each is a small loop that adds up what it is sent. All are created, resumed
//! a few times in turn, and finished. Printed are the resident bytes of each,
//! everything included, and the time of each step.

use coro_dynamic::{CoroutineState, DynamicCoroutine, DynamicHandle};
use std::fs;
use std::process::ExitCode;
use std::time::Instant;

const DEFAULT: usize = 10_000_000;
const ROUNDS: u64 = 3;

/// What one takes, in bytes, at most: for the estimate before the start.
const BYTES_EACH: usize = if cfg!(target_arch = "x86_64") {
    110
} else {
    200
};

type Adder = DynamicCoroutine<u64, u64, u64>;

fn adder() -> Adder {
    // SAFETY: no address of a local leaves the coroutine, nor comes into it.
    unsafe {
        DynamicCoroutine::new(|handle: &DynamicHandle<u64, u64>, first| {
            let mut sum = first;
            for _ in 0..ROUNDS {
                sum += handle.suspend(sum);
            }
            sum
        })
    }
}

fn main() -> ExitCode {
    let many = match std::env::args().nth(1).map(|text| text.parse()) {
        None => DEFAULT,
        Some(Ok(many)) => many,
        Some(Err(_)) => {
            eprintln!("usage: hundred_million [how many]");
            return ExitCode::FAILURE;
        }
    };
    let needed = many.saturating_mul(BYTES_EACH);
    if let Some(available) = number_after("/proc/meminfo", "MemAvailable:")
        && needed > available * 1024
    {
        eprintln!(
            "{many} coroutines would take about {} MiB, and {} MiB are available",
            needed >> 20,
            available >> 10
        );
        return ExitCode::FAILURE;
    }
    run(many);
    ExitCode::SUCCESS
}

fn run(many: usize) {
    let before = resident();
    let mut adders: Vec<Adder> = Vec::with_capacity(many);

    let start = Instant::now();
    for n in 0..many {
        let mut adder = adder();
        assert_eq!(adder.resume(n as u64), CoroutineState::Yielded(n as u64));
        adders.push(adder);
    }
    report("create and run to the first suspend", start, many);
    println!(
        "{many} are suspended: {} resident bytes each, of which {} are frames",
        resident()
            .saturating_sub(before)
            .checked_div(many)
            .unwrap_or(0),
        adders.first().map_or(0, DynamicCoroutine::saved_bytes)
    );

    for round in 1..ROUNDS {
        let start = Instant::now();
        for (n, adder) in adders.iter_mut().enumerate() {
            let sum = n as u64 + round * (round + 1) / 2;
            assert_eq!(adder.resume(round), CoroutineState::Yielded(sum));
        }
        report("resume and suspend", start, many);
    }

    let start = Instant::now();
    for (n, adder) in adders.iter_mut().enumerate() {
        let sum = n as u64 + ROUNDS * (ROUNDS + 1) / 2;
        assert_eq!(adder.resume(ROUNDS), CoroutineState::Complete(sum));
    }
    report("resume and finish", start, many);

    let start = Instant::now();
    drop(adders);
    report("drop", start, many);
}

fn report(what: &str, start: Instant, many: usize) {
    let each = start.elapsed().as_secs_f64() * 1e9 / many.max(1) as f64;
    println!("{what}: {each:.1} ns each");
}

/// Resident bytes of this process.
fn resident() -> usize {
    number_after("/proc/self/status", "VmRSS:").map_or(0, |kib| kib * 1024)
}

/// The number behind a word in a file.
fn number_after(path: &str, word: &str) -> Option<usize> {
    let text = fs::read_to_string(path).ok()?;
    let rest = &text[text.find(word)? + word.len()..];
    rest.split_whitespace().next()?.parse().ok()
}
