//! A handle is not shared with other threads.
use coro::{Coroutine, SuspendHandle};

fn main() {
    let _ = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
        std::thread::scope(|scope| {
            scope.spawn(|| handle.suspend(()));
        });
    });
}
