//! A program that hangs: a thousand coroutines are stuck in three places, and it waits for them.
//!
//! Ask it from outside where: `gdb -p PID`, then `info coroutines -g`. (The guide's page on gdb has
//! the rest.) It ends when its standard input does, or with the Enter key.

use coro::{Coroutine, SuspendHandle};
use std::hint::black_box;

type Handle = SuspendHandle<u32, u32>;
type Task = Coroutine<u32, u32, u32>;

/// Most wait here, two calls down.
#[inline(never)]
fn wait_for_answer(handle: &Handle, question: u32) -> u32 {
    let answer = handle.suspend(question);
    black_box(answer) + question
}

#[inline(never)]
fn client(handle: &Handle, number: u32) -> u32 {
    black_box(wait_for_answer(handle, number * 2)) + 1
}

/// Some wait here, at the end of a recursion.
#[inline(never)]
fn wait_for_lock(handle: &Handle, depth: u32) -> u32 {
    let below = match depth {
        0 => handle.suspend(0),
        _ => wait_for_lock(handle, depth - 1),
    };
    black_box(below) + 1
}

/// The others wait in a loop.
#[inline(never)]
fn worker(handle: &Handle, mut job: u32) -> u32 {
    loop {
        job = black_box(handle.suspend(job));
    }
}

fn stuck(number: u32) -> Task {
    let mut task = match number % 10 {
        0 => Coroutine::new(|handle, _| wait_for_lock(handle, 3)),
        1..4 => Coroutine::new(worker),
        _ => Coroutine::new(client),
    };
    task.resume(number);
    task
}

/// Called from a coroutine, so that one of them runs.
#[inline(never)]
fn all_are_stuck(tasks: &[Task]) {
    println!("{} coroutines are stuck", black_box(tasks).len());
    eprintln!("in process {}; Enter ends it", std::process::id());
    let _ = std::io::stdin().read_line(&mut String::new());
}

fn main() {
    coro::track::enable();
    let tasks: Vec<_> = (1..=1000).map(stuck).collect();
    let idle = Coroutine::builder().name("idle");
    let idle = idle.build(|_: &Handle, _| 0).expect("a stack");
    let mut done = Coroutine::new(|_: &Handle, _| 0);
    done.resume(0);
    let mut watcher = Coroutine::new(move |_: &Handle, _| {
        all_are_stuck(&tasks);
        0
    });
    watcher.resume(0);
    drop((idle, done));
}
