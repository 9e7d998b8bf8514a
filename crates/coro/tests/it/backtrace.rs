//! A walk of the stack inside a coroutine arrives in its present resumer.

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

/// Frames of a suspended coroutine, innermost first, as far as these tests know them.
#[cfg(not(any(sure_context_portable, windows)))]
fn frames_of(trace: &Backtrace) -> Vec<String> {
    let text = trace.to_string();
    let known = [
        "deep_inside",
        "the_tracer_itself",
        "the_first_resumer",
        "the_test_itself",
    ];
    let name = |line: &str| known.iter().find(|name| line.contains(*name));
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("at "));
    lines
        .filter_map(name)
        .map(|name| (*name).to_owned())
        .collect()
}

#[test]
#[cfg(not(any(sure_context_portable, windows)))]
fn a_suspended_coroutine_shows_where_it_stands_and_nothing_beyond() {
    #[inline(never)]
    fn the_test_itself() {
        let mut tracer = tracer();
        assert!(tracer.backtrace().is_none(), "it has not begun");
        for _ in 0..3 {
            the_first_resumer(&mut tracer);
            let shallow = tracer.backtrace().expect("it is suspended");
            assert_eq!(frames_of(&shallow), ["the_tracer_itself"], "{shallow}");
            the_second_resumer(&mut tracer);
            // Taken twice: nothing of the coroutine has changed.
            for _ in 0..2 {
                let deep = tracer.backtrace().expect("it is suspended");
                let mut expected = vec!["deep_inside"; 4];
                expected.push("the_tracer_itself");
                assert_eq!(frames_of(&deep), expected, "{deep}");
            }
        }
        // The link at its root leads to a resumer again.
        let trace = the_first_resumer(&mut tracer);
        assert_shows(&trace, "the_first_resumer");
    }
    the_test_itself();
}

#[test]
fn only_a_suspended_coroutine_has_a_backtrace() {
    let mut done = Coroutine::new(|_: &SuspendHandle<(), ()>, ()| ());
    done.resume(());
    assert!(done.backtrace().is_none());
}

#[test]
#[cfg(not(any(sure_context_portable, windows)))]
fn a_backtrace_of_another_coroutine_is_taken_from_inside_of_one() {
    let mut tracer = tracer();
    tracer.resume(());
    let mut watcher = Coroutine::new(move |handle, ()| {
        loop {
            handle.suspend(frames_of(&tracer.backtrace().expect("it is suspended")));
            tracer.resume(());
        }
    });
    let mut seen = || -> Option<Vec<String>> {
        match watcher.resume(()) {
            CoroutineState::Yielded(frames) => Some(frames),
            CoroutineState::Complete::<_, ()>(()) => None,
        }
    };
    assert_eq!(seen().unwrap().len(), 1);
    assert_eq!(seen().unwrap().len(), 5);
}
