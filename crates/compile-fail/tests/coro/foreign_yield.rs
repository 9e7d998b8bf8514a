//! A yield has the type of its coroutine, also through a handle that was passed on.
use coro::{Coroutine, SuspendHandle};

fn helper(handle: &SuspendHandle<(), &'static str>) {
    handle.suspend("text");
}

fn main() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), u64>, ()| helper(handle));
    let _: Option<u64> = coroutine.resume(()).yielded();
}
