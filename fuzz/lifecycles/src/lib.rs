//! Coroutines in programs made of bytes, compared step by step with the model of `coro`'s property test: create, resume,
//! suspend, panic, drop, scopes, delegation, recycled stacks, coroutines in coroutines, values of many sizes that are counted.
//!
//! The modules are that test's own (`crates/coro/tests/property`); only the steps come from elsewhere.

#[path = "../../../crates/coro/tests/property/container.rs"]
mod container;
#[path = "../../../crates/coro/tests/property/frames.rs"]
mod frames;
#[path = "../../../crates/coro/tests/property/interpret.rs"]
mod interpret;
#[path = "../../../crates/coro/tests/property/life.rs"]
mod life;
#[path = "../../../crates/coro/tests/property/model/mod.rs"]
mod model;
#[path = "../../../crates/coro/tests/property/program.rs"]
#[expect(dead_code, reason = "no program is made from a seed here")]
mod program;
#[path = "../../../crates/coro/tests/property/stacks.rs"]
mod stacks;
#[path = "../../../crates/coro/tests/property/stage.rs"]
mod stage;
#[path = "../../../crates/coro/tests/property/values.rs"]
mod values;

use program::{ACTS, Act, EVENTS, Step};

/// Bytes of a step: its act, then the walk and the choice, each little-endian.
const STEP: usize = 5;

/// The most steps of a program. Longer ones find nothing that two shorter ones do not, and are slow.
const MOST_STEPS: usize = 120;

/// Counts what the panic hook hears: the model knows how often it is called.
pub fn prepare() {
    std::panic::set_hook(Box::new(|info| {
        stage::HOOK.set(stage::HOOK.get() + 1);
        stage::HEARD.set(info.to_string());
    }));
}

/// Runs the program that the bytes are, and aborts if anything is not as the model says.
pub fn run(bytes: &[u8]) {
    let steps = bytes.chunks_exact(STEP).take(MOST_STEPS).map(step);
    // What is leaked would pile up in a process that runs millions of programs.
    let steps = steps.filter(|step| step.act != Act::Forget).collect();
    stage::perform(steps, false, &mut [0; ACTS.len() + EVENTS.len()]);
}

fn step(bytes: &[u8]) -> Step {
    let number = |at: usize| u32::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    Step {
        // The model divides its way through 32 bits.
        walk: number(1).wrapping_mul(0x9E37_79B9),
        act: ACTS[usize::from(bytes[0]) % ACTS.len()].0,
        which: number(3).wrapping_mul(0x9E37_79B9),
    }
}
