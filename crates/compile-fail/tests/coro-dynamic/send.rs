//! A coroutine's frames belong to one thread.

use coro_dynamic::DynamicCoroutine;

fn main() {
    let mut coroutine = unsafe { DynamicCoroutine::new(|handle, ()| handle.suspend(())) };
    std::thread::spawn(move || coroutine.resume(()));
}
