//! A handle does not outlive the closure's call.
use coro::{Coroutine, SuspendHandle};

fn main() {
    let mut kept = None;
    let mut coroutine = Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
        kept = Some(handle);
    });
    coroutine.resume(());
}
