//! A return value is kept on a stack that can be leaked, so it borrows nothing.
use coro::{Coroutine, SuspendHandle};

fn returning<Return>(
    f: impl FnOnce(&SuspendHandle<(), ()>, ()) -> Return + 'static,
) -> Coroutine<(), (), Return> {
    Coroutine::new(f)
}

fn main() {
    let _ = returning(|_, ()| 1);
}
