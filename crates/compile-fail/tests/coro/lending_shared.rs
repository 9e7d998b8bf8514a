//! What is lent cannot be used while the coroutine runs on it.
use coro::{LendingCoroutine, LendingHandle};

struct World {
    script: LendingCoroutine<World, (), ()>,
}

fn main() {
    let script = LendingCoroutine::new(|_: &LendingHandle<World, ()>| ());
    let mut world = World { script };
    world.script.resume(&mut world);
}
