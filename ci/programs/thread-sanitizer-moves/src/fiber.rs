//! What ThreadSanitizer must hear of a switch of stacks, said here as far as the switch itself does
//! not say it: `tsan_interface.h` of LLVM.

use std::ffi::{c_uint, c_void};
use std::ptr;

unsafe extern "C" {
    fn __tsan_get_current_fiber() -> *mut c_void;
    fn __tsan_create_fiber(flags: c_uint) -> *mut c_void;
    fn __tsan_destroy_fiber(fiber: *mut c_void);
    fn __tsan_switch_to_fiber(fiber: *mut c_void, flags: c_uint);
}

/// The calls and the clock of a coroutine, as the sanitizer sees them; null where it hears
/// of switches without this program.
pub struct Fiber(*mut c_void);

// SAFETY: a fiber may run on any thread, one at a time.
unsafe impl Send for Fiber {}

impl Fiber {
    pub fn new() -> Fiber {
        if switches_are_announced() {
            return Fiber(ptr::null_mut());
        }
        // SAFETY: it makes a fiber.
        Fiber(unsafe { __tsan_create_fiber(0) })
    }

    /// Calls `f`, which runs the coroutine of this fiber.
    pub fn during<R>(&self, f: impl FnOnce() -> R) -> R {
        if self.0.is_null() {
            return f();
        }
        // SAFETY: both fibers exist, and each runs on this thread only. With the flags 0 what has
        // happened before a switch is ordered before what follows.
        unsafe {
            let back = __tsan_get_current_fiber();
            __tsan_switch_to_fiber(self.0, 0);
            let result = f();
            __tsan_switch_to_fiber(back, 0);
            result
        }
    }
}

impl Drop for Fiber {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: it does not run: `during` has switched back.
            unsafe { __tsan_destroy_fiber(self.0) };
        }
    }
}

/// Whether a coroutine runs in a fiber of its own.
fn switches_are_announced() -> bool {
    // SAFETY: it asks.
    let current = || unsafe { __tsan_get_current_fiber() }.addr();
    let mut inside = coro::iter(move |handle| handle.suspend(current()));
    inside.next() != Some(current())
}
