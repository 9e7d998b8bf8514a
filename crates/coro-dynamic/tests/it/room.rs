//! The end of the stack: an error before the copy would run over it.

use crate::kinds::{Kind, deeper};
use coro_dynamic::{CoroutineState, DynamicCoroutine, DynamicHandle, Refusal, RunStack, Status};
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use sure_context::stack_pointer;

/// Calls further down until so many bytes are in use below `start`.
#[inline(never)]
fn down_to<R>(start: usize, bytes: usize, f: &mut dyn FnMut() -> R) -> R {
    let frame = black_box([bytes; 16]);
    let result = if start - stack_pointer().addr() >= bytes {
        f()
    } else {
        down_to(start, bytes, f)
    };
    assert_eq!(black_box(frame), [bytes; 16]);
    result
}

fn on_thread_with(bytes: usize, test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(bytes).spawn(test);
    thread.expect("a thread").join().expect("no panic");
}

#[test]
fn a_resume_without_room_is_refused() {
    on_thread_with(256 << 10, || {
        let start = stack_pointer().addr();
        // 100 KiB of frames, suspended.
        let mut coroutine: DynamicCoroutine<u32, u32, ()> =
            Kind::Thread.make(|handle: &DynamicHandle<u32, u32>, mut n| {
                let here = stack_pointer().addr();
                loop {
                    n = down_to(here, 100 << 10, &mut || handle.suspend(n));
                }
            });
        assert_eq!(coroutine.resume(1), CoroutineState::Yielded(1));
        assert!(coroutine.saved_bytes() > 100 << 10);

        // From far down its own frames still fit, displacing what is there.
        let state = down_to(start, 200 << 10, &mut || coroutine.resume(2));
        assert_eq!(state, CoroutineState::Yielded(2));

        // From the very end nothing fits: neither that one nor a new one.
        let (mut refusals, mut left) = (0, 0);
        down_to(start, 235 << 10, &mut || {
            let error = coroutine.try_resume(3).expect_err("no room");
            let Refusal::NoRoom { needed, available } = error.refusal() else {
                panic!("{error}");
            };
            assert!(
                (available + 1..256 << 10).contains(&needed),
                "{needed} {available}"
            );
            left = available;
            assert_eq!(error.into_input(), 3);
            assert_eq!(coroutine.status(), Status::Suspended);
            let mut fresh = Kind::Thread.make(|_: &DynamicHandle<(), ()>, ()| ());
            let error = fresh.try_resume(()).expect_err("no room");
            let Refusal::NoRoom { needed: more, .. } = error.refusal() else {
                panic!("{error}");
            };
            assert!(
                more > needed,
                "room for a first frame, too: {more} {needed}"
            );
            assert_eq!(fresh.status(), Status::Created);
            refusals += 1;
        });
        assert_eq!(refusals, 1);
        assert!((1 << 10..20 << 10).contains(&left), "{left}");
        assert_eq!(coroutine.resume(4), CoroutineState::Yielded(4));
    });
}

/// A coroutine that has used almost all of the stack cannot suspend, and says so.
#[test]
fn a_suspend_without_room_panics() {
    on_thread_with(256 << 10, || {
        let start = stack_pointer().addr();
        let mut coroutine: DynamicCoroutine<(), (), bool> =
            Kind::Thread.make(move |handle: &DynamicHandle<(), ()>, ()| {
                let caught = down_to(start, 225 << 10, &mut || {
                    // The message is printed at leisure, not at the end of the stack.
                    catch_unwind(AssertUnwindSafe(|| handle.suspend(())))
                });
                let payload = caught.expect_err("no room");
                let message = payload.downcast_ref::<String>().expect("a message");
                assert!(message.contains("bytes of stack left"), "{message}");
                // Further up it works.
                deeper(3, &mut || handle.suspend(()));
                true
            });
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| ()));
        let state = coroutine.resume(());
        std::panic::set_hook(hook);
        assert_eq!(state, CoroutineState::Yielded(()));
        assert_eq!(coroutine.resume(()), CoroutineState::Complete(true));
    });
}

/// As large as the thread's stack allows.
#[test]
fn nearly_the_whole_stack_can_be_used() {
    on_thread_with(1 << 20, || {
        let start = stack_pointer().addr();
        let make = || {
            Kind::Thread.make(move |handle: &DynamicHandle<u8, u8>, mut n| {
                for _ in 0..3 {
                    n = down_to(start, 950 << 10, &mut || handle.suspend(n));
                }
            })
        };
        let (mut one, mut other) = (make(), make());
        for n in 0..3 {
            assert_eq!(one.resume(n), CoroutineState::Yielded(n));
            assert_eq!(other.resume(n + 100), CoroutineState::Yielded(n + 100));
        }
        assert!(one.saved_bytes() > 900 << 10);
        assert_eq!(one.resume(0), CoroutineState::Complete(()));
        assert_eq!(other.resume(0), CoroutineState::Complete(()));
    });
}

#[test]
fn a_run_stack_has_at_least_what_was_asked_for_and_a_page_more_at_most() {
    const LARGEST_PAGE: usize = 64 << 10;
    for bytes in [32 << 10, 100_000, 1 << 20] {
        let size = RunStack::new(bytes).expect("a stack").size();
        assert!((bytes..bytes + LARGEST_PAGE).contains(&size), "{size}");
    }
}
