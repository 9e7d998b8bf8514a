//! Memory without a guard is no stack, unless an `unsafe impl` vouches for it.
use coro::{Coroutine, SuspendHandle};

fn main() {
    let memory = vec![0_u8; 65536];
    Coroutine::with_stack(memory, |_: &SuspendHandle<(), ()>, ()| ());
}
