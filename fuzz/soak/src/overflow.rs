//! A child process that overflows the stack of a coroutine, and must say so.

use coro::{Coroutine, SuspendHandle};
use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use sure_stack::overflow;

const SIZES: [usize; 4] = [16 << 10, 64 << 10, 256 << 10, 1 << 20];

/// Runs this program as a child that overflows, and checks how it ends.
pub(crate) fn in_child(seed: u64) {
    let program = std::env::current_exe().expect("a program knows its file");
    let child = Command::new(program)
        .args(["--overflow", &seed.to_string()])
        .output();
    let child = child.expect("a child");
    let said = String::from_utf8_lossy(&child.stderr);
    let signal = child.status.signal();
    assert!(
        signal == Some(libc::SIGABRT) || signal == Some(libc::SIGSEGV),
        "{:?}",
        child.status
    );
    assert!(
        said.contains(&name(seed)),
        "an overflow, with the words {said:?}"
    );
}

fn name(seed: u64) -> String {
    format!("deep-{seed}")
}

/// The child.
pub(crate) fn overflow(seed: u64) -> ! {
    overflow::install().expect("a handler");
    let size = SIZES[seed as usize % SIZES.len()];
    let builder = Coroutine::builder().stack_size(size).name(name(seed));
    let mut coroutine = builder
        .build(|handle: &SuspendHandle<(), ()>, ()| {
            handle.suspend(());
            black_box(deeper(1));
        })
        .expect("a stack");
    let _: coro::CoroutineState<(), ()> = coroutine.resume(());
    let _: coro::CoroutineState<(), ()> = coroutine.resume(());
    unreachable!("the stack was endless")
}

/// Recursion without an end that the compiler could see.
#[inline(never)]
fn deeper(n: u64) -> u64 {
    let frame = black_box([n; 32]);
    if frame[5] == 0 {
        return 0;
    }
    deeper(n + 1) + frame[7]
}
