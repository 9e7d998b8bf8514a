//! A lending coroutine does not change threads.
use coro::{LendingCoroutine, LendingHandle};

fn main() {
    let mut script = LendingCoroutine::new(|_: &LendingHandle<u32, ()>| ());
    std::thread::spawn(move || {
        script.resume(&mut 1);
    });
}
