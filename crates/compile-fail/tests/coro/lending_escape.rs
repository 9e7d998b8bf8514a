//! What is lent does not leave `with`.
use coro::{LendingCoroutine, LendingHandle};

fn main() {
    let _script = LendingCoroutine::new(|handle: &LendingHandle<Vec<u32>, ()>| {
        let list = handle.with(|list| list);
        handle.suspend(());
        list.push(1);
    });
}
