//! The battery of `sure-context` as a program without any library of the system: its tests one after the other, each announced
//! before it runs, so that the last line tells which one a crash belongs to. It ends with 0 when all have passed.
//!
//! `SURE_TEST_DIVISOR` in the environment divides the random work, as in the other tests.

#![no_std]
#![no_main]
#![cfg_attr(
    any(
        target_arch = "mips",
        target_arch = "mips32r6",
        target_arch = "mips64",
        target_arch = "mips64r6",
        target_arch = "sparc64"
    ),
    feature(asm_experimental_arch)
)]

extern crate alloc;

#[path = "../../../crates/sure-context/tests/it/battery/mod.rs"]
#[macro_use]
mod battery;

mod heap;
mod kernel;

use core::fmt::Write;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicUsize, Ordering};

use kernel::{Output, exit};

/// The names of all tests, and what to call.
macro_rules! list {
    ($($module:ident { $($test:ident)* })*) => {
        const TESTS: &[(&str, fn())] = &[
            $($((concat!(stringify!($module), "::", stringify!($test)), battery::$module::$test),)*)*
        ];
    };
}

each_test!(list);

/// What the battery wants of the program that it is part of.
mod host {
    use super::{DIVISOR, Ordering, Output, Write};

    pub(crate) fn repetitions(full: usize) -> usize {
        (full / DIVISOR.load(Ordering::Relaxed)).max(1)
    }

    pub(crate) fn note(text: core::fmt::Arguments<'_>) {
        let _ = writeln!(Output, "{text}");
    }
}

static DIVISOR: AtomicUsize = AtomicUsize::new(1);

/// Where `_start` goes on, with what the kernel has put on the stack: the number of arguments, the arguments, 0, the environment, 0.
///
/// # Safety
/// Called by `_start`, once, with the stack pointer that the kernel has set.
unsafe extern "C" fn start(stack: *const usize) -> ! {
    // SAFETY: that is how the kernel lays it out.
    if let Some(divisor) = unsafe { kernel::variable(stack, b"SURE_TEST_DIVISOR=") } {
        DIVISOR.store(divisor.max(1), Ordering::Relaxed);
    }
    let _ = writeln!(Output, "running {} tests", TESTS.len());
    for (name, test) in TESTS {
        let _ = writeln!(Output, "begin {name}");
        test();
        let _ = writeln!(Output, "test {name} ... ok");
    }
    exit(0)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let _ = writeln!(Output, "{info}");
    exit(101)
}
