//! Coroutines that come and go under AddressSanitizer, and then one with a fault.

use coro::{Coroutine, SuspendHandle};
use std::hint::black_box;

/// The address of a variable that is gone when the caller has it.
#[inline(never)]
fn dangling(seed: u8) -> *const u8 {
    let mut variable = [seed; 32];
    black_box(&mut variable).as_ptr()
}

/// Suspends in the middle of recursion, with variables on every frame.
fn walk(handle: &SuspendHandle<(), u32>, depth: u32) -> u32 {
    let frame = black_box([depth; 16]);
    if depth == 0 {
        handle.suspend(0);
        return frame[3];
    }
    walk(handle, depth - 1) + black_box(&frame)[7]
}

fn main() {
    let mut good = 0;
    for round in 0..1000 {
        let mut ends = Coroutine::new(move |handle, ()| walk(handle, round % 50));
        ends.resume(());
        let mut unwound = Coroutine::new(move |handle, ()| walk(handle, 50 - round % 50));
        unwound.resume(());
        drop(unwound);
        good += u32::from(ends.resume(()).complete().is_some()) + 1;
    }
    println!("good coroutines: {good}");

    let mut faulty = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
        let address = dangling(7);
        handle.suspend(());
        // SAFETY: none; this is what must be reported.
        unsafe { address.read_volatile() }
    });
    faulty.resume(());
    println!("not noticed: {:?}", faulty.resume(()).complete());
}
