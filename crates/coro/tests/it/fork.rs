//! A process that forks while coroutines are suspended.

use coro::{Coroutine, CoroutineState, SuspendHandle};
use testing::{Drops, child};

testing::scenarios!(scenario; fork_with_live_coroutines);

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
    let mut status = 0;
    // SAFETY: the child of above, and a place for its status.
    assert_eq!(unsafe { libc::waitpid(process, &mut status, 0) }, process);
    println!("the child exits with {}", libc::WEXITSTATUS(status));
}

#[test]
fn parent_and_child_go_on_with_coroutines_of_their_own() {
    let ended = child::run("fork::scenario", "fork_with_live_coroutines");
    ended.assert_success(&["the child exits with 42"]);
}
