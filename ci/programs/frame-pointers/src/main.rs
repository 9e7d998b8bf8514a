//! Walks from inside coroutines along frame pointers, and prints the names of the known functions
//! that it passes.

mod dynamic;
mod guarded;
mod stepped;
mod walk;

fn main() {
    guarded::run();
    dynamic::run();
    stepped::run();
    // Something is left to do, so that the call above is no jump: the walks end at this function.
    std::hint::black_box(());
}
