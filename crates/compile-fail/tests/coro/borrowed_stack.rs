//! A stack is owned by its coroutine, which may be leaked.
use coro::{Coroutine, SuspendHandle};
use sure_stack::GuardedMmapStack;

fn main() {
    let mut stack = GuardedMmapStack::allocate_at_least(65536).unwrap();
    let coroutine = Coroutine::with_stack(&mut stack, |_: &SuspendHandle<(), ()>, ()| ());
    std::mem::forget(coroutine);
}
