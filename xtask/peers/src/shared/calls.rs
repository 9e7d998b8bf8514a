//! Suspending inside calls that are not inlined.

use std::hint::black_box;

/// What a coroutine's body suspends with.
pub trait Suspend {
    /// Hands a word to the resumer, and returns the next one from it.
    fn suspend(&self, value: usize) -> usize;
}

/// Gives back what it gets, for ever, suspending inside `DEPTH` calls.
#[inline(always)]
pub fn echo<S: Suspend, const DEPTH: usize>(handle: &S, mut value: usize) -> ! {
    loop {
        value = match DEPTH {
            0 => handle.suspend(value),
            1 => call1(handle, value),
            3 => call3(handle, value),
            10 => call10(handle, value),
            _ => unreachable!("there are rows for no other depths"),
        };
    }
}

macro_rules! calls {
    ($($name:ident => $next:path;)*) => {$(
        #[inline(never)]
        fn $name<S: Suspend>(handle: &S, value: usize) -> usize {
            let value = $next(handle, value.wrapping_add(1));
            // So that the call above is not the last thing that happens here, and stays a call.
            black_box(value)
        }
    )*};
}
calls! {
    call1 => S::suspend;
    call2 => call1;
    call3 => call2;
    call4 => call3;
    call5 => call4;
    call6 => call5;
    call7 => call6;
    call8 => call7;
    call9 => call8;
    call10 => call9;
}

/// Picks the closure for a depth: `at_depth!(depth, DEPTH => expression)`.
#[macro_export]
macro_rules! at_depth {
    ($depth:expr, $constant:ident => $make:expr) => {{
        macro_rules! with {
            ($number:literal) => {{
                const $constant: usize = $number;
                $make
            }};
        }
        match $depth {
            0 => with!(0),
            1 => with!(1),
            3 => with!(3),
            _ => with!(10),
        }
    }};
}
