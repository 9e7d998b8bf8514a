//! Who walks the stack inside a coroutine arrives in its present resumer.

use coro::{Coroutine, CoroutineState, SuspendHandle};
use std::backtrace::Backtrace;

type Tracer = Coroutine<(), String, ()>;

/// Sends a backtrace on each resume, from a few calls down.
fn tracer() -> Tracer {
    #[inline(never)]
    fn deep_inside(handle: &SuspendHandle<(), String>, depth: usize) {
        match depth {
            0 => handle.suspend(Backtrace::force_capture().to_string()),
            _ => deep_inside(handle, depth - 1),
        }
        std::hint::black_box(depth);
    }
    #[inline(never)]
    fn the_tracer_itself(handle: &SuspendHandle<(), String>) {
        loop {
            handle.suspend(Backtrace::force_capture().to_string());
            deep_inside(handle, 3);
        }
    }
    Coroutine::new(|handle, ()| the_tracer_itself(handle))
}

macro_rules! resumers {
    ($($name:ident)*) => {$(
        #[inline(never)]
        fn $name(tracer: &mut Tracer) -> String {
            std::hint::black_box(tracer.resume(()).yielded().unwrap())
        }
    )*};
}
resumers! { the_first_resumer the_second_resumer }

#[track_caller]
fn assert_shows(trace: &str, resumer: &str) {
    let position = |name: &str| trace.find(name);
    let inside = position("the_tracer_itself").unwrap_or_else(|| panic!("no coroutine: {trace}"));
    let outside = position(resumer).unwrap_or_else(|| panic!("no {resumer}: {trace}"));
    let test = position("the_test_itself").unwrap_or_else(|| panic!("it ends early: {trace}"));
    assert!(inside < outside && outside < test, "{trace}");
}

#[test]
fn walks_find_their_way_to_the_test() {
    the_test_itself();
}

/// A function of its own, so that it has a frame whatever is inlined.
#[inline(never)]
fn the_test_itself() {
    let mut tracer = tracer();
    for _ in 0..3 {
        let trace = the_first_resumer(&mut tracer);
        assert_shows(&trace, "the_first_resumer");
        assert!(!trace.contains("the_second_resumer"), "{trace}");
        let trace = the_second_resumer(&mut tracer);
        assert_shows(&trace, "the_second_resumer");
        assert!(!trace.contains("the_first_resumer"), "{trace}");
        assert_eq!(trace.matches("deep_inside").count(), 4, "{trace}");
    }
}

#[test]
fn through_two_coroutines() {
    #[inline(never)]
    fn the_test_itself() -> String {
        let mut outer =
            Coroutine::new(|_: &SuspendHandle<(), ()>, ()| the_first_resumer(&mut tracer()));
        match outer.resume(()) {
            CoroutineState::Complete(trace) => trace,
            CoroutineState::Yielded(()) => unreachable!("it never suspends"),
        }
    }
    assert_shows(&the_test_itself(), "the_first_resumer");
}
