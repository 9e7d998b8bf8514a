//! What is lent is not yielded.
use coro::{LendingCoroutine, LendingHandle};

fn main() {
    let _script = LendingCoroutine::new(|handle: &LendingHandle<String, &'static str>| {
        handle.with(|text| handle.suspend(text));
    });
}
