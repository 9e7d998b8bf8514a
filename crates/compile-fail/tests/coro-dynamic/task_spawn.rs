//! A task that outlives the one that spawns it cannot keep its handle.

use coro_dynamic::{Scheduler, Task};

fn main() {
    let mut scheduler = Scheduler::new();
    unsafe {
        scheduler.spawn(|task: &Task<'_>| {
            task.spawn(|_| task.yield_now());
        })
    };
}
