//! A lent value takes nothing that lives shorter than its own lifetime, which is unknown.
use coro::{Lend, LendingCoroutine, LendingHandle};

struct Turn<'w>(Vec<&'w str>);
type Turns = dyn for<'w> Lend<'w, Lent = Turn<'w>>;

fn main() {
    let _script = LendingCoroutine::new(|handle: &LendingHandle<Turns, ()>| {
        let local = String::from("local");
        handle.with(|turn| turn.0.push(&local));
    });
}
