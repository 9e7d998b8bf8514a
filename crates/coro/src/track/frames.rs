//! The frames of a suspended coroutine: as addresses, to tell equal ones, and as a text.

use crate::coroutine::backtrace::called_by;
use core::num::NonZeroUsize;
use std::backtrace::Backtrace;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;
use sure_context::ExecutionContext;

/// The return addresses from the suspend outwards; none where the system has no unwinder that
/// tells them, or no walks.
///
/// # Safety
/// 1. `context` is the number of the token of a coroutine of this thread, which is suspended.
/// 2. The link at its root leads nowhere.
pub(super) unsafe fn addresses(context: NonZeroUsize) -> Vec<usize> {
    // SAFETY: it is only looked at (1).
    let context = unsafe { ExecutionContext::from_raw(context) };
    let found = called_by(&context, walk::addresses);
    let _ = context.into_raw();
    found.unwrap_or_default()
}

/// The functions from the suspend outwards and their places in the source, a line each, without
/// those of this library and of the standard library.
///
/// # Safety
/// As [`addresses`].
pub(super) unsafe fn lines(context: NonZeroUsize) -> Vec<String> {
    // SAFETY: it is only looked at (1).
    let context = unsafe { ExecutionContext::from_raw(context) };
    let found = called_by(&context, Backtrace::force_capture);
    let _ = context.into_raw();
    found.map_or_else(Vec::new, |trace| concise(&trace.to_string()))
}

/// The lines of a backtrace, as the standard library prints it, that are of interest.
fn concise(trace: &str) -> Vec<String> {
    let mut frames: Vec<(&str, &str)> = Vec::new();
    for line in trace.lines() {
        let line = line.trim_start();
        if let Some(place) = line.strip_prefix("at ") {
            if let Some(frame) = frames.last_mut() {
                frame.1 = place;
            }
        } else if let Some((_, function)) = line.split_once(": ") {
            frames.push((function, ""));
        }
    }
    let ours = |function: &str| {
        let path = function.trim_start_matches(['<', '&']);
        [
            "coro::",
            "sure_context::",
            "std::",
            "core::",
            "alloc::",
            "__rust",
        ]
        .iter()
        .any(|start| path.starts_with(start))
    };
    frames.retain(|(function, _)| !ours(function));
    let line = |(function, place): (&str, &str)| match place {
        "" => String::from(function),
        _ => format!("{function} at {place}"),
    };
    frames.into_iter().map(line).collect()
}

/// The unwinder that the standard library uses.
#[cfg(all(unix, not(target_arch = "arm")))]
mod walk {
    use core::ffi::{c_int, c_void};
    use std::vec::Vec;

    /// Opaque.
    type Frame = c_void;
    type Visit = unsafe extern "C" fn(*mut Frame, *mut c_void) -> c_int;

    /// `_URC_NO_REASON`, which goes on, and another, which ends the walk.
    const NEXT: c_int = 0;
    const ENOUGH: c_int = 5;
    const MOST: usize = 1000;

    // <https://itanium-cxx-abi.github.io/cxx-abi/abi-eh.html>, and the extensions of
    // libgcc, which LLVM's library has as well.
    unsafe extern "C" {
        fn _Unwind_Backtrace(visit: Visit, argument: *mut c_void) -> c_int;
        fn _Unwind_GetIP(frame: *mut Frame) -> usize;
    }

    pub(super) fn addresses() -> Vec<usize> {
        unsafe extern "C" fn visit(frame: *mut Frame, all: *mut c_void) -> c_int {
            // SAFETY: the argument of below.
            let all = unsafe { &mut *all.cast::<Vec<usize>>() };
            // SAFETY: the unwinder's frame.
            all.push(unsafe { _Unwind_GetIP(frame) });
            if all.len() < MOST { NEXT } else { ENOUGH }
        }
        let mut all = Vec::new();
        // SAFETY: `visit` expects a vector, which nothing else uses meanwhile.
        unsafe { _Unwind_Backtrace(visit, (&raw mut all).cast()) };
        all
    }
}

#[cfg(not(all(unix, not(target_arch = "arm"))))]
use no_walk as walk;

#[cfg(not(all(unix, not(target_arch = "arm"))))]
mod no_walk {
    pub(super) fn addresses() -> std::vec::Vec<usize> {
        std::vec::Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::concise;

    #[test]
    fn frames_of_the_machinery_are_left_out() {
        let trace = "   0: std::backtrace::Backtrace::create\n             at /rustc/x.rs:1:2\n   \
                     1: coro::track::suspend::<impl coro::handle::SuspendHandle<I,Y>>::leave\n   \
                     2: server::wait\n             at ./src/main.rs:10:9\n   3: main\n   \
                     4: <alloc::boxed::Box<F> as core::ops::FnOnce>::call_once\n";
        assert_eq!(
            concise(trace),
            ["server::wait at ./src/main.rs:10:9", "main"]
        );
    }
}
