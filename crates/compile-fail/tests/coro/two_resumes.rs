//! A running coroutine cannot be resumed: its resumer has borrowed it.
use coro::{Coroutine, SuspendHandle};

fn main() {
    let mut coroutine: Option<Coroutine<(), (), ()>> = None;
    coroutine = Some(Coroutine::new(|_: &SuspendHandle<(), ()>, ()| {
        coroutine.as_mut().unwrap().resume(());
    }));
    coroutine.as_mut().unwrap().resume(());
}
