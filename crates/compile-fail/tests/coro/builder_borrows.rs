//! The bounds are the same for what a builder builds.
use coro::{Coroutine, SuspendHandle};

fn main() {
    let text = String::from("borrowed");
    let coroutine = Coroutine::builder().build(|handle: &SuspendHandle<(), ()>, ()| {
        handle.suspend(());
        println!("{text}");
    });
    std::mem::forget(coroutine);
}
