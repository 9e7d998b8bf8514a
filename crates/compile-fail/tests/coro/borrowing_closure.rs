//! A coroutine can be leaked, so its closure borrows nothing.
use coro::{Coroutine, SuspendHandle};

fn main() {
    let text = String::from("borrowed");
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
        handle.suspend(());
        println!("{text}");
    });
    coroutine.resume(());
    std::mem::forget(coroutine);
    drop(text);
}
