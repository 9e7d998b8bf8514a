//! An input is kept in frames that can be leaked, so it borrows nothing.
use coro::{Coroutine, SuspendHandle};

fn main() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<&str, ()>, first: &str| {
        handle.suspend(());
        println!("{first}");
    });
    let text = String::from("borrowed");
    coroutine.resume(&text);
}
