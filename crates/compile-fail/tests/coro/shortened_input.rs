//! A coroutine may keep its input for ever, so the input's lifetime cannot be shortened.
use coro::Coroutine;

fn shorten<'a>(coroutine: Coroutine<&'static str, (), ()>) -> Coroutine<&'a str, (), ()> {
    coroutine
}

fn main() {
    let _ = shorten;
}
