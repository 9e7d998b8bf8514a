//! What is lent is not kept across a suspend.
use coro::{LendingCoroutine, LendingHandle};

fn main() {
    let _script = LendingCoroutine::new(|handle: &LendingHandle<Vec<u32>, ()>| {
        let mut kept = None;
        handle.with(|list| kept = Some(list));
        handle.suspend(());
        kept.unwrap().push(1);
    });
}
