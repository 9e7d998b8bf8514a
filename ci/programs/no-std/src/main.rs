//! Coroutines without the standard library, on stacks in static memory. Exits with 0 when they did what they should: one
//! runs to its end, and another is dropped while suspended, which must call the panic handler, with a reason, and not return.

#![no_std]
#![no_main]

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering};

use coro::{Coroutine, CoroutineState};
use sure_stack::Stack;

const SIZE: usize = 64 * 1024;

static mut MEMORY: [[u8; SIZE]; 2] = [[0; SIZE]; 2];

/// One half of `MEMORY`. Each is made once.
struct StaticStack(NonNull<u8>);

impl StaticStack {
    fn half(number: usize) -> StaticStack {
        let memory = (&raw mut MEMORY).cast::<[u8; SIZE]>();
        // Does not leave the array for numbers below 2.
        StaticStack(NonNull::new(memory.wrapping_add(number).cast()).unwrap())
    }
}

// SAFETY: the memory is static and, as only one of each half is made, used as a stack once only.
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
    fn _exit(code: i32) -> !;
}

/// Whether the program is about to drop a suspended coroutine.
static DROPPING: AtomicBool = AtomicBool::new(false);

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let mut reason = Start([0; 64], 0);
    let _ = write!(reason, "{}", info.message());
    let expected = reason
        .0
        .starts_with(b"an unnamed coroutine was dropped while suspended");
    if DROPPING.load(Ordering::Relaxed) {
        // SAFETY: may be called at any time.
        unsafe { _exit(if expected { 0 } else { 5 }) }
    }
    // SAFETY: may be called at any time.
    unsafe { abort() }
}

/// The first bytes of a text, and how many there are.
struct Start([u8; 64], usize);

impl fmt::Write for Start {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            *self.0.get_mut(self.1).ok_or(fmt::Error)? = byte;
            self.1 += 1;
        }
        Ok(())
    }
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
    let Ok(mut coroutine) =
        Coroutine::try_with_stack(StaticStack::half(0), |handle, first: u32| {
            let mut sum = first;
            while sum < 100 {
                sum += handle.suspend(sum);
            }
            f64::from(sum)
        })
    else {
        return 1;
    };
    for step in 0..33 {
        let input = if step == 0 { 1 } else { 3 };
        if coroutine.resume(input) != CoroutineState::Yielded(1 + 3 * step) {
            return 2;
        }
    }
    if coroutine.resume(3) != CoroutineState::Complete(100.0) {
        return 3;
    }
    let mut unfinished =
        Coroutine::with_stack(StaticStack::half(1), |handle, ()| handle.suspend(()));
    unfinished.resume(());
    DROPPING.store(true, Ordering::Relaxed);
    drop(unfinished);
    4
}
