//! It may be leaked, so it cannot borrow.

use coro_dynamic::DynamicCoroutine;

fn main() {
    let text = String::from("text");
    let _coroutine = unsafe {
        DynamicCoroutine::new(|handle, ()| {
            handle.suspend(());
            text.len()
        })
    };
}
