//! There is no suspend without a handle, so none that could suspend another coroutine.
use coro::Coroutine;

fn main() {
    let mut coroutine = Coroutine::new(|_, ()| coro::suspend(1_u8));
    coroutine.resume(());
}
