//! Only a coroutine that yields the same type can be delegated to.
use coro::{Coroutine, SuspendHandle};

fn main() {
    let mut outer = Coroutine::new(|handle: &SuspendHandle<(), u64>, ()| {
        let mut inner = Coroutine::new(|handle: &SuspendHandle<(), &'static str>, ()| {
            handle.suspend("text");
        });
        handle.delegate(&mut inner, ());
    });
    outer.resume(());
}
