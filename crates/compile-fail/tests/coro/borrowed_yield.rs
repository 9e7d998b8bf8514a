//! What a coroutine yields does not point into its frames.
use coro::{Coroutine, SuspendHandle};

fn main() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), &u8>, ()| {
        let local = 1_u8;
        handle.suspend(&local);
    });
    coroutine.resume(());
}
