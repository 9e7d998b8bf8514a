//! One random program, whose every step leaves its mark in a number: the same on every target, and
//! on the portable backend of `sure-context`, where coroutines are threads.
//!
//! The numbers were found once, on x86-64 with its machine code. That they are met wherever this test
//! runs is the statement that all backends behave alike, without running two of them in one process.

use coro::{Coroutine, CoroutineState, SuspendHandle};
use std::cell::Cell;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use testing::{Random, cases};

/// After so many steps the trace has this number.
const TRACE: [(usize, u64); 4] = [
    (10_000, 0x96B2_A075_C978_93F1),
    (50_000, 0x380D_4633_F3B0_6330),
    (200_000, 0xFF99_0E11_B9E8_905E),
    (1_000_000, 0x6B9A_E470_EBD1_9A71),
];

const COROUTINES: usize = 12;

/// A number that depends on every event and on their order (FNV-1a, over words).
#[derive(Clone, Default)]
struct Trace(Rc<Cell<u64>>);

impl Trace {
    fn note(&self, event: u64, value: u64) {
        for word in [event, value] {
            self.0.set(
                (self.0.get() ^ word)
                    .wrapping_mul(0x0000_0100_0000_01B3)
                    .rotate_left(7),
            );
        }
    }
}

/// Notes that it is dropped: at an ordinary end, by a panic, or by a forced unwind.
struct Mark(Trace, u64);

impl Drop for Mark {
    fn drop(&mut self) {
        self.0.note(1, self.1);
    }
}

type Handle = SuspendHandle<u64, u64>;

/// Suspends below some frames, each of which has something to drop.
#[inline(never)]
fn below(handle: &Handle, trace: &Trace, frames: u64, value: u64) -> u64 {
    let mark = Mark(trace.clone(), value ^ frames);
    let input = match frames {
        0 => handle.suspend(value),
        _ => below(handle, trace, frames - 1, value.rotate_left(3)),
    };
    trace.note(2, black_box(&mark).1);
    input.wrapping_add(frames)
}

fn make(trace: &Trace, seed: u64) -> Coroutine<u64, u64, u64> {
    let trace = trace.clone();
    Coroutine::new(move |handle: &Handle, mut input: u64| {
        let mut random = Random::new(seed);
        let _mark = Mark(trace.clone(), seed);
        loop {
            trace.note(3, input);
            match random.below(40) {
                0 => return input ^ seed,
                1 => resume_unwind(Box::new(input)),
                2 => {
                    // A panic that ends inside. (No hook hears of it, which other tests listen to.)
                    let caught = catch_unwind(AssertUnwindSafe(|| {
                        let _mark = Mark(trace.clone(), input);
                        resume_unwind(Box::new(handle.suspend(input)))
                    }));
                    // A forced unwind goes on.
                    match caught.map_err(|payload| payload.downcast::<u64>()) {
                        Err(Ok(value)) => input = *value,
                        Err(Err(forced)) => resume_unwind(forced),
                        Ok(never) => never,
                    }
                }
                3 => {
                    // One inside, which is left suspended or not.
                    let mut inner = make(&trace, random.bits());
                    for _ in 0..random.below(4) {
                        if !step(&trace, &mut inner, input) {
                            break;
                        }
                        input = handle.suspend(input.wrapping_add(1));
                    }
                }
                n => input = below(handle, &trace, n as u64 % 5, input),
            }
        }
    })
}

/// Resumes it, and notes what came; returns whether it is suspended.
fn step(trace: &Trace, coroutine: &mut Coroutine<u64, u64, u64>, input: u64) -> bool {
    match catch_unwind(AssertUnwindSafe(|| coroutine.resume(input))) {
        Ok(CoroutineState::Yielded(value)) => {
            trace.note(4, value);
            return true;
        }
        Ok(CoroutineState::Complete(value)) => trace.note(5, value),
        Err(payload) => trace.note(6, *payload.downcast().expect("a panic of the program's")),
    }
    false
}

#[test]
fn a_random_program_leaves_the_same_trace_everywhere() {
    let steps = cases(1_000_000).max(TRACE[0].0);
    let trace = Trace::default();
    let mut random = Random::new(17);
    let mut seed = || random.bits();
    let mut coroutines: Vec<_> = (0..COROUTINES).map(|_| make(&trace, seed())).collect();
    let mut found = Vec::new();
    for n in 1..=steps {
        let choice = seed();
        let coroutine = &mut coroutines[(choice >> 32) as usize % COROUTINES];
        // One in a hundred is dropped as it is.
        if choice % 100 == 0 || !step(&trace, coroutine, choice) {
            *coroutine = make(&trace, seed());
        }
        if TRACE.iter().any(|(after, _)| *after == n) {
            found.push((n, trace.0.get()));
        }
    }
    // As many as there were steps for, the first always.
    assert_eq!(found, TRACE[..found.len()], "{found:#x?}");
    assert!(!found.is_empty());
}
