//! A plan, for one thread, of which calls fail.

use super::Call;
use std::cell::{Cell, RefCell};
use std::io;

type Plan = Box<dyn FnMut(usize, Call) -> Option<i32>>;

thread_local! {
    static PLAN: RefCell<Option<Plan>> = const { RefCell::new(None) };
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

/// Fails if the plan of this thread has an error for this call.
pub(crate) fn check(call: Call) -> io::Result<()> {
    // A plan is gone when the thread's other locals are taken down.
    let error = PLAN.try_with(|plan| {
        let number = CALLS.get();
        let error = plan.borrow_mut().as_mut()?(number, call)?;
        Some(io::Error::from_raw_os_error(error))
    });
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
    match error {
        Ok(Some(error)) => Err(error),
        _ => Ok(()),
    }
}

/// Runs `f` while the calls of this thread, counted from 0, fail as `plan`
/// says, with an `errno`. Returns how many calls there were.
pub(crate) fn during<T>(
    plan: impl FnMut(usize, Call) -> Option<i32> + 'static,
    f: impl FnOnce() -> T,
) -> (T, usize) {
    PLAN.set(Some(Box::new(plan)));
    CALLS.set(0);
    let result = f();
    PLAN.set(None);
    (result, CALLS.get())
}
