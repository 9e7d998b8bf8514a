//! The input of a scoped coroutine is invariant.
use coro::ScopedCoroutine;

fn shorten<'scope, 'long: 'short, 'short>(
    coroutine: ScopedCoroutine<'scope, &'long str, (), ()>,
) -> ScopedCoroutine<'scope, &'short str, (), ()> {
    coroutine
}

fn main() {}
