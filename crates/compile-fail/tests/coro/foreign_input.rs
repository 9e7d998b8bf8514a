//! An input has the type of its coroutine.
use coro::{Coroutine, SuspendHandle};

fn main() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<u64, ()>, first: u64| {
        first + handle.suspend(())
    });
    coroutine.resume(1_u64);
    coroutine.resume("text");
}
