//! What a coroutine borrows stays borrowed until the scope ends, also if it is leaked.
use coro::SuspendHandle;

fn main() {
    let mut text = String::from("borrowed");
    coro::scope(|s| {
        let mut coroutine = s.coroutine(|handle: &SuspendHandle<(), usize>, ()| {
            handle.suspend(text.len());
        });
        coroutine.resume(());
        std::mem::forget(coroutine);
        text.push('!');
    });
}
