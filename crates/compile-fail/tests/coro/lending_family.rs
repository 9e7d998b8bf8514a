//! What a lent value borrows is not kept, whatever its lifetime.
use coro::{Lend, LendingCoroutine, LendingHandle};

struct Turn<'w>(&'w str);
type Turns = dyn for<'w> Lend<'w, Lent = Turn<'w>>;

fn main() {
    let _script = LendingCoroutine::new(|handle: &LendingHandle<Turns, &'static str>| {
        let mut kept = "";
        handle.with(|turn| kept = turn.0);
        handle.suspend(kept);
    });
}
