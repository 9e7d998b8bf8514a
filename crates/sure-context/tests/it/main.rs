//! What every architecture must do. Most of it is the battery, which needs no standard library:
//! `ci/freestanding` runs the same functions in programs without one.

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

#[macro_use]
mod battery;

mod backtrace;
mod panics;

/// The battery's tests as those of the standard test harness, under the same names.
macro_rules! harness {
    ($($module:ident $tests:tt)*) => { $(harness_of!($module $tests);)* };
}

/// A module of the battery. Those that name registers know none of Windows' conventions.
macro_rules! harness_of {
    (placement $tests:tt) => {
        #[cfg(not(windows))]
        tests_of!(placement $tests);
    };
    (registers $tests:tt) => {
        #[cfg(not(windows))]
        tests_of!(registers $tests);
    };
    ($module:ident $tests:tt) => {
        tests_of!($module $tests);
    };
}

macro_rules! tests_of {
    ($module:ident { $($test:ident)* }) => {
        mod $module {
            $(
                #[test]
                fn $test() {
                    crate::battery::$module::$test();
                }
            )*
        }
    };
}

each_test!(harness);

/// What the battery wants of the program that it is part of.
mod host {
    /// How often a random test repeats itself: fewer times where an emulator is slow.
    pub(crate) fn repetitions(full: usize) -> usize {
        let divisor = std::env::var("SURE_TEST_DIVISOR")
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(1);
        (full / divisor).max(1)
    }

    /// Prints a line about a test that runs.
    #[cfg_attr(
        windows,
        allow(dead_code, reason = "the tests that do are those of registers")
    )]
    pub(crate) fn note(text: core::fmt::Arguments<'_>) {
        println!("{text}");
    }
}
