//! A process that forks while coroutines are suspended.

use coro::{Coroutine, CoroutineState, SuspendHandle};
use std::panic::{AssertUnwindSafe, catch_unwind};
use testing::{Drops, child};

testing::scenarios!(
    scenario;
    fork_with_live_coroutines,
    fork_beside_a_suspended_coroutine,
    fork_inside_of_a_coroutine,
);

/// Whether each coroutine is a thread of the system, so that a forked child has those of its parent no more.
const COROUTINES_ARE_THREADS: bool = cfg!(sure_context_portable);

fn fork_with_live_coroutines() {
    let drops = Drops::new();
    let mut coroutines: Vec<_> = (0..100_usize)
        .map(|n| {
            let counted = drops.make();
            Coroutine::new(
                move |handle: &SuspendHandle<usize, usize>, mut sum: usize| {
                    let _counted = counted;
                    while sum < 1000 {
                        sum += handle.suspend(sum + n);
                    }
                    sum
                },
            )
        })
        .collect();
    for (n, coroutine) in coroutines.iter_mut().enumerate() {
        assert_eq!(coroutine.resume(10).yielded(), Some(10 + n));
    }
    // SAFETY: both processes go on as copies; the child has one thread, which
    // is this one.
    let process = unsafe { libc::fork() };
    let add = if process == 0 { 5 } else { 7 };
    for (n, coroutine) in coroutines.iter_mut().enumerate() {
        assert_eq!(coroutine.resume(add).yielded(), Some(10 + add + n));
    }
    // Some end, some are unwound, and new ones take their stacks.
    for coroutine in &mut coroutines[..50] {
        assert_eq!(coroutine.resume(1000), CoroutineState::Complete(1010 + add));
    }
    coroutines.truncate(75);
    assert_eq!(drops.alive(), 25);
    let mut another = Coroutine::new(|handle: &SuspendHandle<u8, u8>, n| handle.suspend(n));
    assert_eq!(another.resume(3).yielded(), Some(3));
    drop(coroutines);
    assert_eq!(drops.alive(), 0);
    if process == 0 {
        // SAFETY: ends the child, without what its copy of the test would do.
        unsafe { libc::_exit(42) };
    }
    println!("the child exits with {:?}", exit_code(process));
}

/// Waits for a child; what it exits with, or `None` if a signal has killed it.
fn exit_code(child: libc::pid_t) -> Option<i32> {
    let mut status = 0;
    // SAFETY: a child of this process, and a place for its status.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status))
}

/// The child makes coroutines of its own, and continues that of its parent, where it can.
fn fork_beside_a_suspended_coroutine() {
    let make = || Coroutine::new(|handle: &SuspendHandle<u8, u8>, n| handle.suspend(n + 1));
    let (mut resumed, mut dropped) = (make(), make());
    assert_eq!(resumed.resume(1).yielded(), Some(2));
    assert_eq!(dropped.resume(1).yielded(), Some(2));
    // SAFETY: both processes go on as copies; the child has one thread, which is this one.
    let process = unsafe { libc::fork() };
    if process > 0 {
        println!("the child exits with {:?}", exit_code(process));
        assert_eq!(resumed.resume(3).complete(), Some(3));
        return;
    }
    let mut own = make();
    assert_eq!(own.resume(4).yielded(), Some(5));
    assert_eq!(own.resume(6).complete(), Some(6));
    let continued = catch_unwind(AssertUnwindSafe(|| resumed.resume(3).complete()));
    let unwound = catch_unwind(AssertUnwindSafe(|| drop(dropped)));
    // The one that was not continued is left as it is.
    drop(resumed);
    for ended in [continued, unwound.map(|()| Some(3))] {
        match ended {
            Ok(value) => assert_eq!((value, COROUTINES_ARE_THREADS), (Some(3), false)),
            Err(payload) => {
                let sentence = payload.downcast_ref::<String>().unwrap();
                let told = (sentence.contains("before a fork"), COROUTINES_ARE_THREADS);
                assert_eq!(told, (true, true), "{sentence}");
            }
        }
    }
    // SAFETY: ends the child, without what its copy of the test would do.
    unsafe { libc::_exit(43) };
}

/// The child goes on in the coroutine, and would go back to a resumer that is there or not.
fn fork_inside_of_a_coroutine() {
    let mut forks = Coroutine::new(|handle: &SuspendHandle<(), libc::pid_t>, ()| {
        // SAFETY: as above; where each coroutine is a thread, the child's is the one that runs this.
        let process = unsafe { libc::fork() };
        handle.suspend(process);
    });
    let process = forks.resume(()).yielded().unwrap();
    if process == 0 {
        // SAFETY: ends the child, without what its copy of the test would do.
        unsafe { libc::_exit(44) };
    }
    println!("the child exits with {:?}", exit_code(process));
    assert!(forks.resume(()).complete().is_some());
}

#[test]
fn parent_and_child_go_on_with_coroutines_of_their_own() {
    let ended = child::run("fork::scenario", "fork_with_live_coroutines");
    ended.assert_success(&["the child exits with Some(42)"]);
}

#[test]
fn a_child_continues_what_it_has_and_is_told_what_it_has_not() {
    let ended = child::run("fork::scenario", "fork_beside_a_suspended_coroutine");
    ended.assert_success(&["the child exits with Some(43)"]);
}

#[test]
fn a_child_that_is_forked_inside_goes_back_or_is_told_that_it_cannot() {
    let ended = child::run("fork::scenario", "fork_inside_of_a_coroutine");
    ended.assert_success(match COROUTINES_ARE_THREADS {
        // By the signal of an abort; not with 0, as when the last thread of a process ends.
        true => &["before a fork", "the child exits with None"],
        false => &["the child exits with Some(44)"],
    });
}
