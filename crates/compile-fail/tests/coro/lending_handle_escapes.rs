//! The handle stays in the closure.
use coro::{LendingCoroutine, LendingHandle};

fn main() {
    let mut script = LendingCoroutine::new(|handle: &LendingHandle<u32, ()>| handle);
    script.resume(&mut 1);
}
