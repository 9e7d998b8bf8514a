//! What a coroutine yields does not live longer than it says.
use coro::Coroutine;

fn prolong<'a>(coroutine: Coroutine<(), &'a str, ()>) -> Coroutine<(), &'static str, ()> {
    coroutine
}

fn main() {
    let _ = prolong;
}
