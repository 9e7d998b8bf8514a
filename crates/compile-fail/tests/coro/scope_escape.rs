//! A scoped coroutine does not leave its scope.
use coro::SuspendHandle;

fn main() {
    let text = String::from("borrowed");
    let _escaped = coro::scope(|s| {
        s.coroutine(|handle: &SuspendHandle<(), usize>, ()| {
            handle.suspend(text.len());
        })
    });
}
