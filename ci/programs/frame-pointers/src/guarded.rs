//! From a coroutine with a stack of its own into its present resumer, through nested ones too.

use coro::{Coroutine, SuspendHandle};
use std::hint::black_box;

fn known() -> [(usize, &'static str); 5] {
    [
        (inside as *const () as usize, "inside"),
        (first_resumer as *const () as usize, "first_resumer"),
        (second_resumer as *const () as usize, "second_resumer"),
        (outer as *const () as usize, "outer"),
        (crate::main as *const () as usize, "main"),
    ]
}

#[inline(never)]
fn inside(handle: &SuspendHandle<(), ()>) {
    for _ in 0..2 {
        crate::walk::print(&known());
        black_box(handle).suspend(());
    }
}

#[inline(never)]
fn first_resumer(coroutine: &mut Coroutine<(), (), ()>) {
    black_box((1, coroutine.resume(())));
}

#[inline(never)]
fn second_resumer(coroutine: &mut Coroutine<(), (), ()>) {
    black_box((2, coroutine.resume(())));
}

/// Resumes from within a coroutine of its own.
#[inline(never)]
fn outer(_: &SuspendHandle<(), ()>) {
    let mut coroutine = Coroutine::new(|handle, ()| inside(handle));
    first_resumer(&mut coroutine);
    second_resumer(&mut coroutine);
}

pub(crate) fn run() {
    let mut coroutine = Coroutine::new(|handle, ()| inside(handle));
    first_resumer(&mut coroutine);
    second_resumer(&mut coroutine);
    let mut outermost = Coroutine::new(|handle, ()| outer(handle));
    black_box(outermost.resume(()));
}
