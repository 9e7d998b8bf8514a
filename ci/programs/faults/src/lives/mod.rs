//! Whole lives of what the libraries make. Each ends well, or with the error that it was given.

mod coroutines;
mod dynamic;
mod machine;
mod stacks;

use std::error::Error;

/// A life, or the sentence of the error that it ended with.
pub type Life = fn() -> Result<(), Box<dyn Error + Send + Sync>>;

/// With their names.
pub const LIVES: [(&str, Life); 19] = [
    ("a coroutine", coroutines::plain),
    (
        "a coroutine by the call that panics",
        coroutines::infallible,
    ),
    ("a named coroutine with a boxed closure", coroutines::named),
    ("a coroutine dropped while suspended", coroutines::unwound),
    ("a coroutine that panics", coroutines::panicking),
    ("a scope of coroutines", coroutines::scoped),
    ("a lending coroutine", coroutines::lending),
    ("an iterator", coroutines::iterator),
    ("a future", coroutines::future),
    ("growth", coroutines::growth),
    ("an arena", stacks::arena),
    ("an arena with protected guards", stacks::protected),
    ("mapped stacks", stacks::mapped),
    ("a pool", stacks::pool),
    ("a pool that measures", stacks::measured),
    ("the message of an overflow", stacks::overflow),
    ("dynamic coroutines", dynamic::coroutines),
    ("a scheduler on a run stack", dynamic::scheduler),
    ("the virtual machine", machine::run),
];

/// A life that forgets a box when it gets no stack.
pub fn forgetful() -> Result<(), Box<dyn Error + Send + Sync>> {
    let held = std::hint::black_box(Box::new([0_u8; 100]));
    sure_stack::GuardedMmapStack::allocate_at_least(1)
        .map(drop)
        .map_err(|error| {
            std::mem::forget(held);
            error.into()
        })
}
