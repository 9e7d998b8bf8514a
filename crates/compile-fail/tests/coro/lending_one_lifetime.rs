//! A type that borrows is lent by its family, not with one lifetime.
use coro::{LendingCoroutine, LendingHandle};

fn main() {
    let text = String::from("borrowed");
    let _script = LendingCoroutine::new(|handle: &LendingHandle<&str, ()>| {
        handle.with(|text| println!("{text}"));
    });
    let mut lent = text.as_str();
    let mut script = _script;
    script.resume(&mut lent);
}
