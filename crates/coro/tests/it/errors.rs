//! What errors say, and what they stem from.

use coro::diagnostics::DiagnosticsError;
use coro::{Coroutine, ForcedUnwind, SuspendHandle};
use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex};
use sure_stack::StackError;

#[test]
fn diagnostics_that_fail_pass_on_why() {
    let overflow = || StackError::TooSmall {
        bytes: 1,
        minimum: 2,
    };
    let signal = || io::Error::other("no such signal");
    for (error, what, why) in [
        (
            DiagnosticsError::Overflow(overflow()),
            "no message of overflows",
            overflow().to_string(),
        ),
        (
            DiagnosticsError::Signal(signal()),
            "no dump on a signal",
            signal().to_string(),
        ),
    ] {
        assert_eq!(error.to_string(), format!("{what}: {why}"));
        assert_eq!(error.source().expect("its cause").to_string(), why);
    }
}

#[test]
fn a_forced_unwind_says_that_the_coroutine_is_dropped() {
    let said = Arc::new(Mutex::new(String::new()));
    let says = Arc::clone(&said);
    let mut coroutine = Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
        let unwind: ForcedUnwind = handle.try_suspend(()).expect_err("it is dropped");
        *says.lock().unwrap() = unwind.to_string();
        unwind.resume();
    });
    coroutine.resume(());
    drop(coroutine);
    let text = said.lock().unwrap();
    assert_eq!(*text, "the coroutine is being dropped, and unwinds");
}
