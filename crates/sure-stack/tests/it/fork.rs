//! A process that forks while it has stacks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use sure_stack::{ArenaConfig, ArenaStack, Guards, PooledStack, Stack, StackArena};
use testing::child;

testing::scenarios!(scenario; fork_beside_busy_threads, fork_with_stacks);

/// Runs `child` in a forked process, and returns how that ends.
fn fork(child: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the child does nothing but what is tested, and exits.
    match unsafe { libc::fork() } {
        0 => {
            let code = child();
            // SAFETY: ends the child, without what its copy of the test would do.
            unsafe { libc::_exit(code) }
        }
        process => {
            assert!(process > 0);
            let mut status = 0;
            // SAFETY: the child of above, and a place for its status.
            assert_eq!(unsafe { libc::waitpid(process, &mut status, 0) }, process);
            if libc::WIFEXITED(status) {
                libc::WEXITSTATUS(status)
            } else {
                128 + libc::WTERMSIG(status)
            }
        }
    }
}

fn write(stack: &impl Stack, byte: u8) {
    // SAFETY: the whole stack, on which nothing runs.
    unsafe { stack.limit().as_ptr().write_bytes(byte, stack.size()) };
}

fn holds(stack: &impl Stack, byte: u8) -> bool {
    // SAFETY: inside the stack, on which nothing runs.
    (0..stack.size()).all(|at| unsafe { stack.limit().as_ptr().add(at).read() } == byte)
}

fn fork_with_stacks() {
    for guards in [Guards::Automatic, Guards::Mprotect] {
        let config = ArenaConfig::new().stack_size(8192).guards(guards);
        let arena = config.build().unwrap();
        let take = |n| (0..n).map(|_| arena.allocate().unwrap()).collect();
        let mut stacks: Vec<ArenaStack> = take(40);
        stacks.iter().for_each(|stack| write(stack, 1));
        stacks.truncate(20);
        let code = fork(|| {
            let alive = stacks.iter().all(|stack| holds(stack, 1));
            let more: Vec<_> = take(40);
            stacks.iter().chain(&more).for_each(|stack| write(stack, 2));
            stacks.clear();
            arena.trim();
            i32::from(!alive)
        });
        assert_eq!(code, 0);
        assert!(stacks.len() == 20 && stacks.iter().all(|stack| holds(stack, 1)));
        // The guards are the child's as well.
        let code = fork(|| {
            // SAFETY: meant to fault.
            unsafe { stacks[0].limit().as_ptr().wrapping_sub(1).write_volatile(1) };
            0
        });
        assert_eq!(code, 128 + libc::SIGSEGV);
    }
    println!("unharmed");
}

#[test]
fn parent_and_child_have_stacks_of_their_own() {
    child::run("fork::scenario", "fork_with_stacks").assert_success(&["unharmed"]);
}

fn fork_beside_busy_threads() {
    let done = AtomicBool::new(false);
    let arena = StackArena::new(4096).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let stacks: Vec<_> = (0..100).map(|_| arena.allocate().unwrap()).collect();
                    drop(stacks);
                    arena.trim();
                }
            });
        }
        for _ in 0..testing::cases(50) {
            // The child has one thread only; no lock may be held by another.
            let code = fork(|| {
                let (stack, pooled) = (arena.allocate(), PooledStack::new());
                write(&stack.unwrap(), 1);
                write(&pooled.unwrap(), 1);
                0
            });
            assert_eq!(code, 0);
        }
        done.store(true, Ordering::Relaxed);
    });
    println!("no child hung");
}

#[test]
fn a_child_inherits_no_lock() {
    child::run("fork::scenario", "fork_beside_busy_threads").assert_success(&["no child hung"]);
}
