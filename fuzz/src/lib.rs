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
//!
//! Runs of libFuzzer on a machine with two busy cores (x86-64, rustc 1.95), inputs of up to 300 bytes. An edge that a target covers is
//! in it, in the libraries, or in what the compiler makes of the standard library for them. The seconds are those of the clock: all
//! runs had a low priority beside other work, so that executions tell more.
//!
//! | target | seconds | executions | edges covered | inputs in the corpus |
//! |---|---|---|---|---|
//! | `lifecycles` | 1,800 | 1,133,643 | 3,431 | 1,495 |
//! | `ends` | 1,864 | 2,361,309 | 862 | 250 |
//! | `scopes` | 1,861 | 923,903 | 414 | 139 |
//! | `lending` | 1,861 | 378,363 | 942 | 283 |
//! | `stacks` | 1,861 | 152,631 | 1,015 | 250 |
//! | `dynamic` | 1,861 | 439,016 | 764 | 132 |
//! | `current` | 1,800 | 2,524,974 | 784 | 224 |
//! | `tracked` | 1,843 | 182,151 | 1,965 | 334 |
//! | `bridge` | 1,861 | 7,823,711 | 653 | 199 |
//! | `programs` | 1,800 | 1,163,507 | 1,523 | 2,485 |
//! | `source` | 2,347 | 788,525 | 1,039 | 416 |
//!
//! The corpus holds the fewest inputs of these runs that reach as much as all. In their second halves `bridge`, `current`, `dynamic`,
//! `ends`, `lending` and `scopes` found no edge, `stacks` and `lifecycles` two or three; `tracked` and `programs` were still finding some. For half an
//! hour each: `for target in fuzz/corpus/*.txt; do cargo xtask fuzz $(basename $target .txt) --minutes 30; done`.

mod bridge;
mod bytes;
mod calls;
mod crossing;
mod current;
mod dynamic;
mod ends;
mod expected;
mod lending;
mod programs;
mod scopes;
mod slots;
mod source;
mod stacks;
mod tracked;

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
        name: "current",
        prepare: expected::prepare,
        run: current::run,
    },
    Target {
        name: "tracked",
        prepare: expected::prepare,
        run: tracked::run,
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
