//! What a coroutine yields does not borrow from its own stack.
use coro::SuspendHandle;

fn main() {
    coro::scope(|s| {
        let mut coroutine = s.coroutine(|handle: &SuspendHandle<(), &str>, ()| {
            let text = String::from("local");
            handle.suspend(&text);
        });
        coroutine.resume(());
    });
}
