//! One way of doing a piece of work, ready to be timed.

use std::arch::asm;
use std::time::{Duration, Instant};

/// In how many places a short loop is tried. Where its instructions lie within a cache line
/// changes what a processor makes of it, by more than what is measured here; so every loop is
/// compiled this many times, 16 bytes further on each time, and rounds go through all of them.
pub const LAYOUTS: usize = 4;

/// A loop in the layout with this number that does something so many times, and how long it took.
type Run = Box<dyn FnMut(usize, u64) -> Duration>;

/// A peer's way of doing a piece of work.
pub struct Contestant {
    /// What is special about this way; empty for a peer that has only one.
    pub variant: String,
    run: Run,
}

impl Contestant {
    /// Repeats `turn`, which gets the number of the repetition.
    pub fn new<F: FnMut(usize) + 'static>(variant: &str, mut turn: F) -> Contestant {
        let run = move |layout, repetitions| {
            let start = Instant::now();
            match layout % LAYOUTS {
                0 => repeat::<F, 0>(repetitions, &mut turn),
                1 => repeat::<F, 16>(repetitions, &mut turn),
                2 => repeat::<F, 32>(repetitions, &mut turn),
                _ => repeat::<F, 48>(repetitions, &mut turn),
            }
            start.elapsed()
        };
        Contestant::own_loop(variant, run)
    }

    /// For a loop in another language, in a coroutine or in another process. It gets the number
    /// of a layout and that of repetitions, and returns the time they took.
    pub fn own_loop(
        variant: &str,
        run: impl FnMut(usize, u64) -> Duration + 'static,
    ) -> Contestant {
        Contestant {
            variant: variant.to_owned(),
            run: Box::new(run),
        }
    }

    /// Does the work that many times.
    pub fn run(&mut self, layout: usize, repetitions: u64) -> Duration {
        (self.run)(layout, repetitions)
    }
}

/// The loop, `PADDING` bytes further on than it would be.
#[inline(never)]
fn repeat<F: FnMut(usize), const PADDING: usize>(repetitions: u64, turn: &mut F) {
    // SAFETY: nothing but instructions that do nothing.
    unsafe {
        asm!(
            ".rept {padding}", "nop", ".endr",
            padding = const PADDING,
            options(nomem, nostack, preserves_flags)
        );
    }
    for i in 0..repetitions {
        turn(i as usize);
    }
}
