//! What a coroutine can do, and may not, in each of its states.

use coro::{Coroutine, CoroutineState, Status, SuspendHandle};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn values_go_in_and_out() {
    let mut coroutine = Coroutine::new(|handle, first: u32| {
        let second = handle.suspend(first + 1);
        let third = handle.suspend(second + 1);
        first + second + third
    });
    assert_eq!(coroutine.resume(1), CoroutineState::Yielded(2));
    assert_eq!(coroutine.resume(10), CoroutineState::Yielded(11));
    assert_eq!(coroutine.resume(100), CoroutineState::Complete(111));
}

#[test]
fn status_follows_the_life() {
    let mut coroutine = Coroutine::new(|handle, ()| handle.suspend(()));
    assert_eq!(coroutine.status(), Status::Created);
    coroutine.resume(());
    assert_eq!(coroutine.status(), Status::Suspended);
    assert!(!coroutine.is_complete());
    coroutine.resume(());
    assert_eq!(coroutine.status(), Status::Complete);
    assert!(coroutine.is_complete());
}

#[test]
fn status_is_running_while_it_runs() {
    type Watched = Coroutine<*const (), (), Status>;
    let coroutine: *mut Watched = Box::into_raw(Box::new(Coroutine::new(
        |_: &SuspendHandle<_, _>, this: *const ()| {
            // SAFETY: the coroutine is alive; its resume waits for this, and
            // touches nothing meanwhile.
            unsafe { (*this.cast::<Watched>()).status() }
        },
    )));
    // SAFETY: just made, and freed below.
    let state = unsafe { (*coroutine).resume(coroutine.cast_const().cast()) };
    assert_eq!(state, CoroutineState::Complete(Status::Running));
    // SAFETY: from `into_raw`, once.
    drop(unsafe { Box::from_raw(coroutine) });
}

#[test]
fn a_complete_coroutine_hands_the_input_back() {
    let mut coroutine = Coroutine::new(|_: &SuspendHandle<String, ()>, input: String| input);
    assert_eq!(
        coroutine.resume("first".into()),
        CoroutineState::Complete("first".into())
    );
    let error = coroutine.try_resume("second".into()).unwrap_err();
    assert_eq!(error.to_string(), "a complete coroutine was resumed");
    assert_eq!(error.into_input(), "second");
}

#[test]
fn resuming_a_complete_coroutine_panics_and_names_it() {
    let mut coroutine = Coroutine::builder()
        .name("parser")
        .build(|_: &SuspendHandle<(), ()>, ()| ())
        .unwrap();
    coroutine.resume(());
    let payload = catch_unwind(AssertUnwindSafe(|| coroutine.resume(()))).unwrap_err();
    let message = payload.downcast::<String>().unwrap();
    assert_eq!(
        *message,
        "coroutine `parser` was resumed, but it is complete"
    );
    assert_eq!(
        coroutine.status(),
        Status::Complete,
        "the panic changes nothing"
    );
}

#[test]
fn names_are_seen_from_both_sides() {
    let unnamed = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| handle.name().is_none());
    assert_eq!(unnamed.name(), None);
    let mut named = Coroutine::builder()
        .name(String::from("owned"))
        .build(|handle: &SuspendHandle<(), ()>, ()| handle.name().map(String::from))
        .unwrap();
    assert_eq!(named.name(), Some("owned"));
    assert_eq!(
        named.resume(()),
        CoroutineState::Complete(Some("owned".into()))
    );
    assert_eq!(named.name(), Some("owned"), "also when it is complete");
    assert_eq!(
        format!("{named:?}"),
        r#"Coroutine { name: Some("owned"), status: Complete, .. }"#
    );
}

#[test]
fn only_a_complete_coroutine_gives_its_stack_away() {
    let coroutine = Coroutine::new(|handle, ()| handle.suspend(()));
    let mut coroutine = coroutine.into_stack().expect_err("created");
    coroutine.resume(());
    let mut coroutine = coroutine.into_stack().expect_err("suspended");
    coroutine.resume(());
    let stack = coroutine.into_stack().expect("complete");
    let mut second = Coroutine::with_stack(stack, |_: &SuspendHandle<(), ()>, ()| 7);
    assert_eq!(second.resume(()), CoroutineState::Complete(7));
}

#[test]
fn a_suspended_coroutine_can_move() {
    let mut coroutines: Vec<_> = (0..100_u64)
        .map(|i| {
            Coroutine::new(move |handle, ()| {
                let local = i * 3;
                handle.suspend(&raw const local as usize);
                local
            })
        })
        .collect();
    for coroutine in &mut coroutines {
        assert!(coroutine.resume(()).yielded().is_some());
    }
    coroutines.reverse();
    let mut coroutines: Vec<_> = coroutines.into_iter().map(Box::new).collect();
    for (i, coroutine) in (0..100_u64).rev().zip(&mut coroutines) {
        assert_eq!(coroutine.resume(()), CoroutineState::Complete(i * 3));
    }
}

#[test]
fn the_handle_goes_down_any_depth() {
    fn down(handle: &SuspendHandle<usize, usize>, depth: usize) -> usize {
        match depth {
            0 => handle.suspend(usize::MAX),
            _ => down(handle, depth - 1) + handle.suspend(depth),
        }
    }
    let mut coroutine = Coroutine::new(down);
    assert_eq!(coroutine.resume(100), CoroutineState::Yielded(usize::MAX));
    for depth in 1..=100 {
        assert_eq!(coroutine.resume(1), CoroutineState::Yielded(depth));
    }
    assert_eq!(coroutine.resume(1), CoroutineState::Complete(101));
}

#[test]
fn prefetching_is_allowed_in_every_state() {
    let mut coroutine = Coroutine::new(|handle, ()| handle.suspend(()));
    coroutine.prefetch();
    coroutine.resume(());
    coroutine.prefetch();
    coroutine.resume(());
    coroutine.prefetch();
}

#[test]
fn states_tell_what_they_hold() {
    let yielded: CoroutineState<u8, &str> = CoroutineState::Yielded(1);
    let complete: CoroutineState<u8, &str> = CoroutineState::Complete("done");
    assert_eq!((yielded.yielded(), yielded.complete()), (Some(1), None));
    assert_eq!(
        (complete.yielded(), complete.complete()),
        (None, Some("done"))
    );
}
