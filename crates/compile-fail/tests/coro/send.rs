//! A coroutine does not change threads: its type does not say what its frames hold.
use coro::{Coroutine, SuspendHandle};

fn main() {
    let coroutine = Coroutine::new(|_: &SuspendHandle<(), ()>, ()| ());
    std::thread::spawn(move || drop(coroutine));
}
