//! Nothing hands out the coroutine itself, which could be swapped and leaked.
use coro::{Coroutine, SuspendHandle};

fn main() {
    let text = String::from("borrowed");
    coro::scope(|s| {
        let mut scoped = s.coroutine(|handle: &SuspendHandle<(), usize>, ()| {
            handle.suspend(text.len());
        });
        let coroutine: &mut Coroutine<(), usize, ()> = &mut scoped;
        let _ = coroutine.resume(());
    });
}
