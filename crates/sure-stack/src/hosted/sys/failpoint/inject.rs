//! A plan, for one thread, of which calls fail.

use super::Call;
use std::cell::RefCell;
use std::io;

/// Which call, counted from 0, fails with which `errno`.
type Plan = Box<dyn FnMut(usize, Call) -> Option<i32>>;

thread_local! {
    static RUN: RefCell<Option<Run>> = const { RefCell::new(None) };
}

struct Run {
    plan: Plan,
    calls: Vec<Call>,
    failed: Vec<Call>,
}

/// The calls of a run.
#[derive(Debug)]
pub(crate) struct Calls {
    pub(crate) all: Vec<Call>,
    /// Those that were made to fail.
    pub(crate) failed: Vec<Call>,
}

/// Fails if the plan of this thread says so.
pub(crate) fn check(call: Call) -> io::Result<()> {
    let error = RUN.try_with(|run| {
        let mut run = run.borrow_mut();
        let run = run.as_mut()?;
        let error = (run.plan)(run.calls.len(), call);
        run.calls.push(call);
        run.failed.extend(error.map(|_| call));
        error
    });
    // After the end of the thread's locals nothing fails.
    match error {
        Ok(Some(error)) => Err(io::Error::from_raw_os_error(error)),
        _ => Ok(()),
    }
}

/// Runs `f` while the calls of this thread fail as `plan` says.
pub(crate) fn during(
    plan: impl FnMut(usize, Call) -> Option<i32> + 'static,
    f: impl FnOnce(),
) -> Calls {
    RUN.set(Some(Run {
        plan: Box::new(plan),
        calls: Vec::new(),
        failed: Vec::new(),
    }));
    f();
    let run = RUN.take().expect("set above");
    Calls {
        all: run.calls,
        failed: run.failed,
    }
}
