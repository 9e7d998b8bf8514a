//! Random programs of everything that can be done with coroutines, compared with a model.
//!
//! A program is a list of steps ([`program`]). The [`model`] turns each into instructions for the coroutines that take part, and
//! says what every resume must bring; the coroutines read them from the [`stage`] and obey ([`interpret`]). After each step, the
//! values that live, the stacks in use and the calls of the panic hook are those of the model, or the program has failed.
//! Values ([`values`]) of many sizes and alignments know when they were damaged, or are another one than expected.
//!
//! A program that fails, also one that crashes, is shortened and printed. What can be asked for:
//!
//! - `SURE_PROPERTY_CASES`: how many programs. Usually 100,000 in release and 4,000 in debug; 3,000 and 150 under an emulator.
//! - `SURE_PROPERTY_SEED`: the seed of the first one, others follow; usually 1. A failure prints its seed.

mod container;
mod frames;
mod interpret;
mod life;
mod model;
mod program;
mod stacks;
mod stage;
mod values;

use program::{ACTS, EVENTS, Step};
use stage::Counts;
use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use testing::child::{self, Ended};

testing::scenarios!(scenario; batch, single);

/// For a child: the first seed, and how many.
const BATCH: &str = "SURE_PROPERTY_BATCH";
/// For a child: the seed, and which steps to do (a `1` each).
const SINGLE: &str = "SURE_PROPERTY_SINGLE";
/// How many programs share a process. What they leak is gone with it.
const MOST_IN_BATCH: u64 = 2_500;

/// Nothing was done yet.
const NONE: Counts = [0; ACTS.len() + EVENTS.len()];

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

/// How many programs to run.
fn cases() -> u64 {
    let emulated = env::var("SURE_TEST_RUNNER").is_ok_and(|runner| !runner.is_empty());
    let full = match (cfg!(debug_assertions), emulated) {
        (false, false) => 100_000,
        (true, false) => 4_000,
        (false, true) => 3_000,
        (true, true) => 150,
    };
    number("SURE_PROPERTY_CASES").unwrap_or(testing::cases(full) as u64)
}

/// The numbers in the environment of a child.
fn told(variable: &str) -> (u64, String) {
    let text = env::var(variable).expect("told by the parent");
    let (seed, rest) = text.split_once(':').expect("two parts");
    (seed.parse().expect("a seed"), rest.to_owned())
}

/// Runs on a thread with room for the largest values in a debug build.
fn with_room(work: impl FnOnce() + Send) {
    std::panic::set_hook(Box::new(|info| {
        stage::HOOK.set(stage::HOOK.get() + 1);
        stage::HEARD.set(info.to_string());
    }));
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(32 << 20);
        let running = thread.spawn_scoped(scope, work).expect("a thread");
        running.join().expect("programs end by themselves");
    });
}

fn batch() {
    with_room(|| {
        let (first, count) = told(BATCH);
        let count: u64 = count.parse().expect("a number of programs");
        let mut counts: Counts = NONE;
        // The test harness has left its line unfinished.
        println!();
        for seed in first..first + count {
            println!("seed {seed}");
            stage::perform(program::program(seed), false, &mut counts);
        }
        let counts: Vec<_> = counts.iter().map(u64::to_string).collect();
        println!("counts {}", counts.join(" "));
    });
}

fn single() {
    with_room(|| {
        let (seed, chosen) = told(SINGLE);
        let steps = program::program(seed).into_iter().zip(chosen.chars());
        let steps: Vec<Step> = steps
            .filter(|&(_, c)| c == '1')
            .map(|(step, _)| step)
            .collect();
        stage::perform(steps, true, &mut NONE.clone());
    });
}

fn run_single(seed: u64, chosen: &[bool]) -> Ended {
    let chosen: String = chosen
        .iter()
        .map(|&on| if on { '1' } else { '0' })
        .collect();
    child::run_with(
        "scenario",
        "single",
        &[(SINGLE, &format!("{seed}:{chosen}"))],
    )
}

/// Leaves out steps, in ever smaller pieces, as long as the program still fails.
fn shorten(seed: u64) -> Vec<bool> {
    let mut chosen = vec![true; program::program(seed).len()];
    let mut piece = chosen.len() / 2;
    while piece > 0 {
        for start in (0..chosen.len()).step_by(piece) {
            let end = chosen.len().min(start + piece);
            if !chosen[start..end].contains(&true) {
                continue;
            }
            let mut fewer = chosen.clone();
            fewer[start..end].fill(false);
            if !run_single(seed, &fewer).status.success() {
                chosen = fewer;
            }
        }
        piece /= 2;
    }
    chosen
}

/// What to say about a child that failed: the program that it was at, how many it had finished since `first`, and the fewest
/// steps that fail, too.
fn failure(ended: &Ended, first: u64) -> String {
    let lines = ended.output.lines();
    let at = lines
        .filter_map(|line| line.strip_prefix("seed "))
        .next_back();
    let Some(seed) = at.and_then(|seed| seed.parse::<u64>().ok()) else {
        return format!("a child did not begin: {ended}");
    };
    let message = ended
        .output
        .lines()
        .find(|line| line.starts_with("failed: "));
    let heading = format!(
        "program {seed} failed, after {} that did not: {}, {}",
        seed - first,
        ended.status,
        message.unwrap_or("without a word")
    );
    let whole = run_single(seed, &vec![true; program::program(seed).len()]);
    if whole.status.success() {
        return format!("{heading}\nalone it does not fail; what came before it matters");
    }
    let chosen = shorten(seed);
    let left = chosen.iter().filter(|&&on| on).count();
    format!(
        "{heading}\n{left} of its steps are enough:\n{}\nagain: SURE_PROPERTY_SEED={seed} SURE_PROPERTY_CASES=1",
        run_single(seed, &chosen)
    )
}

#[test]
fn random_programs() {
    let (total, first) = (cases(), number("SURE_PROPERTY_SEED").unwrap_or(1));
    let size = (total / 8).clamp(50, MOST_IN_BATCH);
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let sum = Mutex::new(NONE);
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed) as u64 * size;
            if at >= total || failed.load(Ordering::Relaxed) {
                return;
            }
            let count = size.min(total - at);
            let begin = first + at;
            let told = format!("{begin}:{count}");
            let ended = child::run_with("scenario", "batch", &[(BATCH, &told)]);
            let counts = ended
                .output
                .lines()
                .find_map(|line| line.strip_prefix("counts "));
            let (true, Some(counts)) = (ended.status.success(), counts) else {
                failed.store(true, Ordering::Relaxed);
                panic!("{}", failure(&ended, begin));
            };
            let mut sum = sum.lock().expect("no worker panics with it");
            for (sum, count) in sum.iter_mut().zip(counts.split(' ')) {
                *sum += count.parse::<u64>().expect("a count");
            }
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get().min(4));
    std::thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    let sum: Counts = sum.into_inner().expect("no worker panics with it");
    let all: u64 = sum[..ACTS.len()].iter().sum();
    println!(
        "{total} programs, {:.1} steps each",
        all as f64 / total as f64
    );
    let acts = ACTS.iter().map(|(_, _, what)| what);
    for (what, count) in acts.chain(EVENTS).zip(sum) {
        println!("{count:>10} {what}");
    }
    assert!(all >= 30 * total, "{all} steps in {total} programs");
    if total >= 100 {
        assert!(!sum.contains(&0), "not everything was tried");
    }
}
