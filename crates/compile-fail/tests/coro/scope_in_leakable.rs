//! A coroutine that can be leaked holds nothing of a scope.
use coro::{Coroutine, SuspendHandle};

fn main() {
    coro::scope(|s| {
        let mut inner = s.coroutine(|_: &SuspendHandle<(), ()>, ()| ());
        let outer = Coroutine::new(move |_: &SuspendHandle<(), ()>, ()| {
            inner.resume(());
        });
        std::mem::forget(outer);
    });
}
