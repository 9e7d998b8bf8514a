//! Nor does a coroutine of a scope.
use coro::SuspendHandle;

fn main() {
    coro::scope(|s| {
        let mut coroutine = s.coroutine(|_: &SuspendHandle<(), ()>, ()| ());
        std::thread::scope(|threads| {
            threads.spawn(move || coroutine.resume(()));
        });
    });
}
