//! What the scope's closure owns is gone before its coroutines are.
use coro::SuspendHandle;

fn main() {
    coro::scope(|s| {
        let text = String::from("too short");
        let mut coroutine = s.coroutine(|handle: &SuspendHandle<(), usize>, ()| {
            handle.suspend(text.len());
        });
        coroutine.resume(());
    });
}
