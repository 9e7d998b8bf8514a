//! Paired timing: the contestants of a group take turns in one process, so
//! that whatever the machine does to one it does to all, and ratios are formed
//! within each round.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// One piece of work by one library.
pub struct Contestant {
    /// The library, and what is special about this way of using it.
    pub name: &'static str,
    /// Does the work that many times.
    pub run: Box<dyn FnMut(u64)>,
}

impl Contestant {
    /// A contestant; `run` gets the number of repetitions.
    pub fn new(name: &'static str, run: impl FnMut(u64) + 'static) -> Contestant {
        Contestant { name, run: Box::new(run) }
    }
}

/// The same work by several libraries. The first is what ratios refer to.
pub struct Group {
    /// What the work is.
    pub name: &'static str,
    /// Makes the contestants; called when the group's turn comes.
    pub contestants: fn() -> Vec<Contestant>,
}

/// How long a contestant works in one round.
const SLICE: Duration = Duration::from_millis(12);

/// Runs a group and prints a table of it.
pub fn run(group: &Group, rounds: usize) {
    let mut contestants = (group.contestants)();
    let repetitions: Vec<u64> = contestants.iter_mut().map(calibrate).collect();
    let mut samples = vec![Vec::with_capacity(rounds); contestants.len()];
    for round in 0..rounds {
        // A different one goes first each time.
        for turn in 0..contestants.len() {
            let i = (round + turn) % contestants.len();
            samples[i].push(time(&mut contestants[i], repetitions[i]));
        }
    }
    println!("\n{}", group.name);
    println!("  {:34} {:>9} {:>9} {:>22}", "", "ns, best", "median", "ratio (25% .. 75%)");
    for (contestant, own) in contestants.iter().zip(&samples) {
        let mut ratios: Vec<f64> = own.iter().zip(&samples[0]).map(|(own, base)| own / base).collect();
        let mut own = own.clone();
        own.sort_by(f64::total_cmp);
        ratios.sort_by(f64::total_cmp);
        let at = |values: &[f64], part: f64| values[((values.len() - 1) as f64 * part) as usize];
        println!(
            "  {:34} {:9.2} {:9.2} {:8.3} ({:.2} .. {:.2})",
            contestant.name,
            own[0],
            at(&own, 0.5),
            at(&ratios, 0.5),
            at(&ratios, 0.25),
            at(&ratios, 0.75),
        );
    }
}

/// How many repetitions fill a slice.
fn calibrate(contestant: &mut Contestant) -> u64 {
    let mut repetitions = 1;
    loop {
        let start = Instant::now();
        (contestant.run)(black_box(repetitions));
        let elapsed = start.elapsed();
        if elapsed >= SLICE / 4 {
            let factor = SLICE.as_secs_f64() / elapsed.as_secs_f64();
            return ((repetitions as f64 * factor) as u64).max(1);
        }
        repetitions *= 2;
    }
}

/// Nanoseconds for one repetition.
fn time(contestant: &mut Contestant, repetitions: u64) -> f64 {
    let start = Instant::now();
    (contestant.run)(black_box(repetitions));
    start.elapsed().as_secs_f64() * 1e9 / repetitions as f64
}

/// Keeps the process on one processor, as far as the system allows.
pub fn pin() {
    // SAFETY: a set of processors is plain memory, and the call reads it.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(libc::sched_getcpu().max(0) as usize, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &set);
    }
}
