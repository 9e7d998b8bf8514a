//! Only a coroutine makes a handle.
use coro::SuspendHandle;

fn main() {
    let handle: SuspendHandle<(), ()> = SuspendHandle::new(usize::MAX, unimplemented!());
    handle.suspend(());
}
