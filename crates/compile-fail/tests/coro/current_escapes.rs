//! The handle of the current coroutine does not leave the closure that was given it.
use coro::{SuspendHandle, with_current};

fn main() {
    let kept: Option<&SuspendHandle<(), ()>> = with_current(|handle| handle);
    kept.unwrap().suspend(());
}
