//! A stack that a coroutine stands on is not there for another use.
use coro::{Coroutine, SuspendHandle};
use sure_stack::GuardedMmapStack;

fn main() {
    let mut stack = GuardedMmapStack::allocate_at_least(65536).unwrap();
    let mut coroutine = Coroutine::with_stack(stack, |handle: &SuspendHandle<(), ()>, ()| {
        handle.suspend(());
    });
    coroutine.resume(());
    coro::on_stack(&mut stack, || ());
}
