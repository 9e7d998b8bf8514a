//! A coroutine of one scope is none of another's.
use coro::{Scope, ScopedCoroutine};

fn prolong<'long, 'short>(
    _: &'short Scope<'short, 'long>,
    coroutine: ScopedCoroutine<'short, (), (), ()>,
) -> ScopedCoroutine<'long, (), (), ()> {
    coroutine
}

fn main() {}
