//! A thousand coroutines that are stuck in three places, as in a program that hangs.

use coro::{Coroutine, SuspendHandle};
use std::hint::black_box;

type Task = Coroutine<u32, u32, u32>;
type Handle = SuspendHandle<u32, u32>;

#[inline(never)]
fn wait_for_answer(handle: &Handle, question: u32) -> u32 {
    let answer = handle.suspend(question);
    black_box(answer) + 1
}

#[inline(never)]
fn wait_for_lock(handle: &Handle, depth: u32) -> u32 {
    let below = match depth {
        0 => handle.suspend(0),
        _ => wait_for_lock(handle, depth - 1),
    };
    black_box(below) + 1
}

#[inline(never)]
fn client(handle: &Handle, number: u32) -> u32 {
    black_box(wait_for_answer(handle, number)) + 1
}

/// What a debugger stops at.
#[inline(never)]
fn all_are_stuck(tasks: &[Task]) {
    println!("{} coroutines are stuck", black_box(tasks).len());
}

fn main() {
    let mut tasks: Vec<Task> = Vec::new();
    for number in 0..1000 {
        let mut task = match number % 10 {
            0 => Coroutine::new(|handle, depth| wait_for_lock(handle, depth)),
            1..4 => Coroutine::new(|handle, mut number| {
                loop {
                    number = handle.suspend(number);
                }
            }),
            _ => Coroutine::new(|handle, number| client(handle, number)),
        };
        task.resume(3);
        tasks.push(task);
    }
    all_are_stuck(&tasks);
}
