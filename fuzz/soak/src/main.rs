//! A soak test: `soak --seconds 60 --threads 4 --seed 1`.
//!
//! It works in generations. In each, threads create, resume, suspend, panic, drop, cancel and abandon coroutines of every kind on
//! stacks of every kind, hand stacks to each other, and have a child process overflow a stack; then all threads end, pools and
//! arenas are trimmed, and the books are read ([`accounts`]): bytes of the allocator, stacks that are out, mappings, resident
//! memory. The first generations fill what is kept for ever. From then on every one must leave nothing behind.
//!
//! `--leak KIND` leaks on purpose, which must be found: that is the test of this test.

mod accounts;
mod herd;
mod leak;
mod options;
mod overflow;
mod worker;

use accounts::{Books, Counting};
use leak::Leak;
use options::Options;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};
use worker::Market;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How long the threads of a generation work.
const GENERATION: Duration = Duration::from_millis(200);
/// Generations whose books are not compared: pages of the program itself, tables that grow once, cached stacks of threads.
const WARM_UP: usize = 4;
/// How much more may be resident at the end of a generation of the second half than of the first, each half's median taken.
const RESIDENT_SLACK: usize = 1 << 20;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    if let Some(seed) = options.overflow {
        overflow::overflow(seed);
    }
    accounts::settle_malloc();
    worker::quiet_panics();
    println!("seed {}, {} threads", options.seed, options.threads);
    match soak(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(findings) => {
            println!("{findings}");
            ExitCode::FAILURE
        }
    }
}

fn soak(options: &Options) -> Result<(), String> {
    let mut leak = Leak::new(options.leak.as_deref())?;
    let begun = Instant::now();
    // With room for all samples, so that the books of this program itself stay as they are.
    let most = WARM_UP + 4 + options.time.div_duration_f64(GENERATION) as usize;
    let (mut first, mut resident, mut acts) = (None, Vec::with_capacity(most), 0);
    // At the least, what a median needs.
    let mut number = 0;
    while begun.elapsed() < options.time || number < WARM_UP + 4 {
        acts += generation(options, number);
        if number >= WARM_UP {
            leak.leak();
        }
        let books = Books::read();
        match &first {
            None if number + 1 < WARM_UP => {}
            None => first = Some(books),
            Some(first) => {
                let in_generation = |wrong| format!("generation {number}: {wrong}");
                first.compare(&books).map_err(in_generation)?;
                resident.push(accounts::resident_bytes());
            }
        }
        number += 1;
    }
    let (early, late) = resident.split_at(resident.len() / 2);
    let (early, late) = (median(early), median(late));
    if late > early + RESIDENT_SLACK {
        return Err(format!(
            "resident memory grows: from {early} to {late} bytes"
        ));
    }
    println!(
        "{number} generations, {acts} acts, {} s",
        begun.elapsed().as_secs()
    );
    println!("resident: {early} bytes in the first half, {late} in the second");
    println!(
        "nothing is left over: {}",
        first.expect("the warm-up is over")
    );
    Ok(())
}

/// Threads that work for a while. Returns how much they have done.
fn generation(options: &Options, number: usize) -> usize {
    let market = Market::new();
    let end = Instant::now() + GENERATION;
    thread::scope(|scope| {
        let workers: Vec<_> = (0..options.threads)
            .map(|which| {
                let seed = options
                    .seed
                    .wrapping_mul(1_000_003)
                    .wrapping_add(number as u64);
                let seed = seed.wrapping_mul(1009).wrapping_add(which as u64);
                let market = &market;
                // One of them has a child overflow a stack.
                let overflows = which == number % options.threads && number.is_multiple_of(4);
                scope.spawn(move || worker::work(seed, market, end, overflows))
            })
            .collect();
        // Unlike the scope, a join waits for what a thread does after its closure.
        let joined = workers.into_iter().map(|worker| worker.join());
        joined.map(|acts| acts.expect("no worker panics")).sum()
    })
}

fn median(samples: &[usize]) -> usize {
    let mut samples = samples.to_vec();
    samples.sort_unstable();
    samples[samples.len() / 2]
}
