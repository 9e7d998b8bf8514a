//! Coroutines that are copied away.

use std::cell::Cell;
use std::error::Error;
use std::rc::Rc;

use coro_dynamic::{DynamicCoroutine, RunStack, Scheduler};

pub fn coroutines() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut all = Vec::new();
    for number in 0..40_u32 {
        // SAFETY: no address of a local of its own leaves the coroutine while it is suspended.
        let coroutine = unsafe {
            DynamicCoroutine::<u32, u32, u32>::try_new(move |handle, input| {
                let page = [number as u8; 3000];
                let page = std::hint::black_box(page);
                handle.suspend(input + 1);
                u32::from(page[2999])
            })?
        };
        all.push(coroutine);
    }
    for coroutine in &mut all {
        assert_eq!(coroutine.resume(4).yielded(), Some(5));
    }
    let (ended, dropped) = all.split_at_mut(20);
    for (number, coroutine) in (0..).zip(ended) {
        assert_eq!(coroutine.resume(0).complete(), Some(number));
    }
    assert!(
        dropped
            .iter()
            .all(|coroutine| coroutine.saved_bytes() > 3000)
    );
    Ok(())
}

pub fn scheduler() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut scheduler = Scheduler::on_run_stack(RunStack::new(64 << 10)?);
    let turns = Rc::new(Cell::new(0));
    for _ in 0..5 {
        let turns = Rc::clone(&turns);
        // SAFETY: no address of a local of its own leaves the task while it is suspended.
        unsafe {
            scheduler.spawn(move |task| {
                for _ in 0..3 {
                    turns.set(turns.get() + 1);
                    task.yield_now();
                }
            })
        };
    }
    scheduler.run().expect("no task panics");
    assert_eq!(turns.get(), 15);
    Ok(())
}
