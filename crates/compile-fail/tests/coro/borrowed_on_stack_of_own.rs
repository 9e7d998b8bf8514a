//! The bounds are the same on a stack of one's own.
use coro::{Coroutine, SuspendHandle};
use sure_stack::GuardedMmapStack;

fn main() {
    let text = String::from("borrowed");
    let stack = GuardedMmapStack::allocate_at_least(65536).unwrap();
    let coroutine = Coroutine::with_stack(stack, |handle: &SuspendHandle<(), ()>, ()| {
        handle.suspend(());
        println!("{text}");
    });
    std::mem::forget(coroutine);
}
