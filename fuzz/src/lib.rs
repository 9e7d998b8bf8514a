//! Fuzz targets for the whole API. Each is a function of bytes: the bytes are a program, the target runs it on the library,
//! compares everything that it sees with a model or with plain rules, and aborts or panics if something is wrong.
//!
//! - `cargo xtask fuzz-replay` runs every input of `fuzz/corpus` on its target, in seconds, with any compiler. CI does.
//! - `cargo xtask fuzz stacks --minutes 10` looks for new ones with libFuzzer (the package `driver`), whose runtime is built
//!   from source by a C++ compiler. Coverage comes from a flag that stable compilers have, so no nightly is needed.
//! - `cargo xtask fuzz stacks --minimise` afterwards writes the fewest of them that cover as much to the corpus.
//!
//! An input that fails is written to `target/fuzz/found/stacks-crash-…`. Mend the fault, and add the input's bytes to the corpus, or
//! better its story as a test of its own to the crate at fault.

mod bridge;
mod bytes;
mod dynamic;
mod ends;
mod expected;
mod lending;
mod programs;
mod scopes;
mod source;
mod stacks;

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether programs may leak on purpose.
static LEAKS: AtomicBool = AtomicBool::new(true);

/// From now on programs leak nothing on purpose, so that all that is left over is a fault.
pub fn forbid_leaks() {
    LEAKS.store(false, Ordering::Relaxed);
}

pub(crate) fn may_leak() -> bool {
    LEAKS.load(Ordering::Relaxed)
}

/// A target.
pub struct Target {
    /// Also the name of its folder in the corpus.
    pub name: &'static str,
    /// Sets the panic hook that the target needs. Called before its inputs.
    pub prepare: fn(),
    /// Runs one input.
    pub run: fn(&[u8]),
}

/// Leaves the panic hook as it is: every panic is a finding.
fn unprepared() {}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "lifecycles",
        prepare: lifecycles::prepare,
        run: lifecycles::run,
    },
    Target {
        name: "ends",
        prepare: expected::prepare,
        run: ends::run,
    },
    Target {
        name: "scopes",
        prepare: expected::prepare,
        run: scopes::run,
    },
    Target {
        name: "lending",
        prepare: expected::prepare,
        run: lending::run,
    },
    Target {
        name: "stacks",
        prepare: expected::prepare,
        run: stacks::run,
    },
    Target {
        name: "dynamic",
        prepare: expected::prepare,
        run: dynamic::run,
    },
    Target {
        name: "bridge",
        prepare: expected::prepare,
        run: bridge::run,
    },
    Target {
        name: "programs",
        prepare: unprepared,
        run: programs::run,
    },
    Target {
        name: "source",
        prepare: unprepared,
        run: source::run,
    },
];

/// The target of that name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
