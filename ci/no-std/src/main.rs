//! A coroutine without the standard library, on a stack in static memory. Exits with 0 when it did what it should.

#![no_std]
#![no_main]

use core::panic::PanicInfo;
use core::ptr::NonNull;

use coro::{Coroutine, CoroutineState};
use sure_stack::Stack;

const SIZE: usize = 64 * 1024;

static mut MEMORY: [u8; SIZE] = [0; SIZE];

/// The whole of `MEMORY`. Made once.
struct StaticStack(NonNull<u8>);

// SAFETY: the memory is static and, as only one of these is made, used as a stack by nobody else.
unsafe impl Stack for StaticStack {
    fn base(&self) -> NonNull<u8> {
        // SAFETY: one past the end of the array.
        unsafe { self.0.add(SIZE) }
    }

    fn limit(&self) -> NonNull<u8> {
        self.0
    }
}

#[link(name = "c")]
unsafe extern "C" {
    fn abort() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: may be called at any time.
    unsafe { abort() }
}

/// `core` was compiled to unwind and names this, though nothing here unwinds.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// See `rust_eh_personality`.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    // SAFETY: may be called at any time.
    unsafe { abort() }
}

/// What the C library starts.
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    let stack = StaticStack(NonNull::new(&raw mut MEMORY).unwrap().cast());
    let Ok(mut coroutine) = Coroutine::try_with_stack(stack, |handle, first: u32| {
        let mut sum = first;
        while sum < 100 {
            sum += handle.suspend(sum);
        }
        f64::from(sum)
    }) else {
        return 1;
    };
    for step in 0..33 {
        let input = if step == 0 { 1 } else { 3 };
        if coroutine.resume(input) != CoroutineState::Yielded(1 + 3 * step) {
            return 2;
        }
    }
    if coroutine.resume(3) == CoroutineState::Complete(100.0) {
        0
    } else {
        3
    }
}
