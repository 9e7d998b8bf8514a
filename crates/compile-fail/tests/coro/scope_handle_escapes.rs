//! The handle of a scoped coroutine does not outlive its closure's call.
use coro::SuspendHandle;

fn main() {
    coro::scope(|s| {
        let mut kept = None;
        let mut coroutine = s.coroutine(|handle: &SuspendHandle<(), ()>, ()| {
            kept = Some(handle);
        });
        coroutine.resume(());
    });
}
