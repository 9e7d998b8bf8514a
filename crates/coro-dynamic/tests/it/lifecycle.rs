//! The states, and what is handed over in them.

use crate::kinds::{deeper, each, on_large_stack};
use coro_dynamic::{CoroutineState, DynamicHandle, Refusal, Status};
use std::hint::black_box;

#[test]
fn values_go_in_and_out_in_turn() {
    each(|kind| {
        let mut coroutine = kind.make(|handle, first: u32| {
            let second = handle.suspend(first + 1);
            second * 2
        });
        assert_eq!(coroutine.status(), Status::Created);
        assert_eq!(coroutine.resume(1), CoroutineState::Yielded(2));
        assert_eq!(coroutine.status(), Status::Suspended);
        assert_eq!(coroutine.resume(10), CoroutineState::Complete(20));
        assert_eq!(coroutine.status(), Status::Complete);
        assert!(coroutine.is_complete());
    });
}

#[test]
fn a_complete_one_is_refused() {
    each(|kind| {
        let mut coroutine = kind.make(|_: &DynamicHandle<String, ()>, _| ());
        assert_eq!(
            coroutine.resume(String::new()),
            CoroutineState::Complete(())
        );
        let error = coroutine
            .try_resume("input".to_string())
            .expect_err("it is complete");
        assert_eq!(error.refusal(), Refusal::Complete);
        assert!(error.to_string().contains("complete"));
        assert_eq!(error.into_input(), "input");
    });
}

#[test]
#[should_panic(expected = "a complete dynamic coroutine was resumed")]
fn resuming_a_complete_one_panics() {
    each(|kind| {
        let mut coroutine = kind.make(|_: &DynamicHandle<(), ()>, ()| ());
        let _ = coroutine.resume(());
        let _ = coroutine.resume(());
    });
}

#[inline(never)]
fn sum_deep(handle: &DynamicHandle<u64, u64>, depth: u64) -> u64 {
    let frame = black_box([depth; 20]);
    let reference = &frame[black_box(7)];
    let float = black_box(depth as f64 * 1.5);
    let input = handle.suspend(depth);
    let below = match depth {
        0 => 0,
        _ => sum_deep(handle, depth - 1),
    };
    assert_eq!(*reference, depth, "a reference between locals");
    assert_eq!(float, black_box(depth as f64 * 1.5));
    assert_eq!(frame, [depth; 20]);
    below + input + handle.suspend(depth)
}

#[test]
fn frames_keep_their_content_at_every_depth() {
    each(|kind| {
        let mut coroutine = kind.make(|handle, _: u64| sum_deep(handle, 100));
        let (mut sent, mut resumes, mut largest) = (0, 0, 0);
        let result = loop {
            let n = resumes % 1000;
            // From another depth each time.
            let state = deeper(resumes as usize * 7 % 31, &mut || coroutine.resume(n));
            match state {
                CoroutineState::Yielded(depth) => assert!(depth <= 100),
                CoroutineState::Complete(sum) => break sum,
            }
            largest = largest.max(coroutine.saved_bytes());
            resumes += 1;
            sent += resumes % 1000;
        };
        assert_eq!((result, resumes), (sent, 202));
        assert!(
            largest > 100 * 160 || matches!(kind, crate::kinds::Kind::Shared(_)),
            "{largest} bytes"
        );
    });
}

#[test]
fn the_saved_bytes_follow_the_depth() {
    each(|kind| {
        #[inline(never)]
        fn dive(handle: &DynamicHandle<usize, usize>, depth: usize) -> usize {
            let frame = black_box([depth; 16]);
            let next = match depth {
                0 => handle.suspend(0),
                _ => dive(handle, depth - 1),
            };
            assert_eq!(frame, [depth; 16]);
            next
        }
        let make = || {
            kind.make(|handle, mut depth| {
                loop {
                    depth = dive(handle, depth);
                }
            })
        };
        let (mut one, mut other) = (make(), make());
        let mut last = 0;
        for depth in [0, 1, 10, 100, 1000, 100, 10, 1, 0] {
            for coroutine in [&mut one, &mut other] {
                let _: CoroutineState<usize, ()> = coroutine.resume(depth);
            }
            let bytes = one.saved_bytes();
            assert!(bytes >= depth * 64, "{bytes} at {depth}");
            assert!(bytes <= 8192 + depth * 4096, "{bytes} at {depth}");
            assert_ne!(bytes, last);
            last = bytes;
        }
    });
}

#[inline(never)]
fn dive(handle: &DynamicHandle<(), usize>, depth: usize) -> usize {
    let mut frame = [depth; 512];
    black_box(&mut frame);
    if depth > 0 {
        dive(handle, depth - 1);
    } else {
        for n in 0..3 {
            handle.suspend(n);
        }
    }
    assert!(frame.iter().all(|&word| word == depth));
    depth
}

#[test]
fn a_megabyte_of_frames() {
    on_large_stack(|| {
        each(|kind| {
            let bottom = (1 << 20) / (512 * size_of::<usize>());
            let make = || kind.make(move |handle, ()| dive(handle, bottom));
            let (mut one, mut other) = (make(), make());
            for n in 0..3 {
                assert_eq!(one.resume(()), CoroutineState::Yielded(n));
                let state = deeper(10 * n, &mut || other.resume(()));
                assert_eq!(state, CoroutineState::Yielded(n));
                assert!(one.saved_bytes() > 1 << 20);
            }
            assert_eq!(one.resume(()), CoroutineState::Complete(bottom));
            assert_eq!(other.resume(()), CoroutineState::Complete(bottom));
        });
    });
}

#[test]
fn debug_output_tells_the_status() {
    each(|kind| {
        let mut coroutine = kind.make(|handle, ()| handle.suspend(()));
        assert!(format!("{coroutine:?}").contains("Created"));
        let _ = coroutine.resume(());
        assert!(format!("{coroutine:?}").contains("Suspended"));
    });
}
