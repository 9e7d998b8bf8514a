//! Walks of the stack: into the resumer while its frames are there, and to an
//! end at the coroutine's root while they are not.

use crate::kinds::{Kind, deeper, each};
use coro_dynamic::{CoroutineState, DynamicCoroutine, DynamicHandle};
use std::backtrace::Backtrace;
use testing::{child, scenarios};

type Tracer = DynamicCoroutine<(), String, ()>;

fn tracer(kind: &Kind) -> Tracer {
    #[inline(never)]
    fn the_tracer_itself(handle: &DynamicHandle<(), String>) {
        loop {
            handle.suspend(Backtrace::force_capture().to_string());
        }
    }
    kind.make(|handle, ()| the_tracer_itself(handle))
}

#[inline(never)]
fn the_resumer(tracer: &mut Tracer) -> String {
    std::hint::black_box(tracer.resume(()).yielded().expect("it never ends"))
}

#[test]
fn walks_find_their_way_to_the_test() {
    the_test_itself();
}

/// A function of its own, so that it has a frame whatever is inlined.
#[inline(never)]
fn the_test_itself() {
    each(|kind| {
        let mut tracer = tracer(kind);
        for _ in 0..3 {
            let trace = the_resumer(&mut tracer);
            let position = |name: &str| {
                trace
                    .find(name)
                    .unwrap_or_else(|| panic!("no {name}: {trace}"))
            };
            assert!(position("the_tracer_itself") < position("the_resumer"));
            assert!(position("the_resumer") < position("the_test_itself"));
        }
    });
}

#[test]
fn it_ends_at_the_root_where_frames_are_displaced() {
    let mut tracer = tracer(&Kind::Thread);
    let _ = the_resumer(&mut tracer);
    for calls in [100, 50] {
        let trace = deeper(calls, &mut || the_resumer(&mut tracer));
        assert!(trace.contains("the_tracer_itself"), "{trace}");
        assert!(!trace.contains("the_resumer"), "{trace}");
        assert!(!trace.contains("deeper"), "{trace}");
    }
    assert!(the_resumer(&mut tracer).contains("the_resumer"));
}

scenarios!(child; panic_with_a_full_backtrace);

fn panic_with_a_full_backtrace() {
    // SAFETY: no other thread of this process reads the environment.
    unsafe { std::env::set_var("RUST_BACKTRACE", "full") };
    let mut coroutine = Kind::Thread.make(|handle: &DynamicHandle<(), ()>, ()| {
        handle.suspend(());
        panic!("inside, over displaced frames");
    });
    let state: CoroutineState<(), ()> = coroutine.resume(());
    assert_eq!(state, CoroutineState::Yielded(()));
    let caught = deeper(100, &mut || {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| coroutine.resume(())))
    });
    let payload = caught.expect_err("it panics");
    let message = payload.downcast_ref::<&str>().expect("a message");
    println!("went on after: {message}");
}

#[test]
fn a_panic_with_a_full_backtrace() {
    let ended = child::run("backtrace::child", "panic_with_a_full_backtrace");
    ended.assert_success(&[
        "stack backtrace:",
        "went on after: inside, over displaced frames",
    ]);
}
