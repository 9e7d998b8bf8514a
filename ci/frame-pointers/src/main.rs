//! Walks from inside a coroutine along frame pointers, as a profiler does, and
//! prints the names of the known functions that it passes.

use coro::{Coroutine, SuspendHandle};
use std::arch::asm;
use std::hint::black_box;

unsafe extern "C" {
    // The Itanium C++ ABI's unwinder: the beginning of the function around an address.
    safe fn _Unwind_FindEnclosingFunction(address: usize) -> usize;
}

/// A frame record of x86-64: what the frame pointer points at.
#[repr(C)]
struct Record {
    caller: *const Record,
    return_address: usize,
}

/// The known functions among the callers, innermost first.
#[inline(never)]
fn walk() -> Vec<&'static str> {
    let known: [(usize, &str); 5] = [
        (inside as *const () as usize, "inside"),
        (first_resumer as *const () as usize, "first_resumer"),
        (second_resumer as *const () as usize, "second_resumer"),
        (outer as *const () as usize, "outer"),
        (main as *const () as usize, "main"),
    ];
    let mut record: *const Record;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rbp", out(reg) record, options(nomem, nostack, preserves_flags)) };
    let mut names = Vec::new();
    while !record.is_null() && names.last() != Some(&"main") {
        // SAFETY: every function here keeps frame pointers, and so does the
        // coroutine's root; the walk ends at `main`.
        let Record {
            caller,
            return_address,
        } = unsafe { record.read() };
        // A return address points behind the call, perhaps behind the function.
        let function = _Unwind_FindEnclosingFunction(return_address - 1);
        names.extend(
            known
                .iter()
                .filter(|(start, _)| *start == function)
                .map(|(_, name)| name),
        );
        record = caller;
    }
    names
}

#[inline(never)]
fn inside(handle: &SuspendHandle<(), ()>) {
    for _ in 0..2 {
        println!("{}", walk().join(" < "));
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

fn main() {
    let mut coroutine = Coroutine::new(|handle, ()| inside(handle));
    first_resumer(&mut coroutine);
    second_resumer(&mut coroutine);
    let mut outermost = Coroutine::new(|handle, ()| outer(handle));
    black_box(outermost.resume(()));
}
