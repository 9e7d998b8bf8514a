//! Creating one is a promise.

use coro_dynamic::{DynamicCoroutine, Scheduler};

fn main() {
    let _coroutine = DynamicCoroutine::new(|handle, ()| handle.suspend(()));
    Scheduler::new().spawn(|task| task.yield_now());
}
