//! Nobody makes a handle but a coroutine.
use coro::SuspendHandle;

fn main() {
    let handle: SuspendHandle<(), ()> = SuspendHandle::new(usize::MAX, None);
    handle.suspend(());
}
