//! Every test of behaviour runs on both kinds of stacks.

use coro_dynamic::{DynamicCoroutine, DynamicHandle, RunStack};
use std::hint::black_box;

/// Where a test's coroutines run.
#[derive(Clone)]
pub(crate) enum Kind {
    Thread,
    Shared(RunStack),
}

impl Kind {
    pub(crate) fn shared() -> Kind {
        Kind::Shared(RunStack::new(8 << 20).expect("a stack"))
    }

    /// A coroutine of this kind. The tests' closures keep the promises: no
    /// address of a local is used by other code.
    pub(crate) fn make<Input: 'static, Yield: 'static, Return: 'static>(
        &self,
        f: impl FnOnce(&DynamicHandle<Input, Yield>, Input) -> Return + 'static,
    ) -> DynamicCoroutine<Input, Yield, Return> {
        match self {
            // SAFETY: the tests' closures keep the promises.
            Kind::Thread => unsafe { DynamicCoroutine::new(f) },
            // SAFETY: the tests' closures keep the promises.
            Kind::Shared(stack) => unsafe { DynamicCoroutine::on_run_stack(stack, f) },
        }
    }
}

pub(crate) fn each(test: impl Fn(&Kind)) {
    test(&Kind::Thread);
    test(&Kind::shared());
}

/// Calls `f` from so many calls further down, with a patterned frame in each,
/// which is checked on the way back.
#[inline(never)]
pub(crate) fn deeper<R>(calls: usize, f: &mut dyn FnMut() -> R) -> R {
    let frame = black_box([calls.wrapping_mul(0x9E37_79B9); 24]);
    let result = match calls {
        0 => f(),
        _ => deeper(calls - 1, f),
    };
    assert_eq!(black_box(frame), [calls.wrapping_mul(0x9E37_79B9); 24]);
    result
}

/// Runs a test that needs more stack than a test's thread has.
pub(crate) fn on_large_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(32 << 20).spawn(test);
    thread.expect("a thread").join().expect("no panic");
}
