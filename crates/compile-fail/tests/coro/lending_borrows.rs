//! A lending coroutine can be leaked: its closure borrows nothing.
use coro::{LendingCoroutine, LendingHandle};

fn main() {
    let text = String::from("borrowed");
    let _script = LendingCoroutine::new(|handle: &LendingHandle<Vec<usize>, ()>| {
        handle.with(|list| list.push(text.len()));
    });
}
