//! What `coro-dynamic` shares with this crate: panics that cross to a resumer.
//!
//! Both kinds of coroutines must agree on these, since one is resumed inside the
//! other: a forced unwind is recognised by the type of its payload, which is this
//! crate's. Not for anybody else; it changes without notice.

use crate::unwind;

pub use crate::unwind::Payload;

/// Whether a suspended coroutine can be unwound in this build.
pub const CAN_UNWIND: bool = crate::unwind::CAN_UNWIND;

/// Calls `f`; a panic becomes its payload.
#[inline(always)]
pub fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
    unwind::catch(f)
}

/// Starts a forced unwind.
pub fn force_unwind() -> ! {
    unwind::ForcedUnwind::new().resume()
}

/// Unwinds a coroutine that is being dropped once more, because it suspends.
pub fn unwind_again(name: &dyn core::fmt::Display, in_panic: bool) -> ! {
    unwind::unwind_again(name, in_panic)
}

/// Lets a panic that ended a coroutine go on in the caller.
pub fn go_on(payload: Payload) -> ! {
    unwind::go_on(payload)
}

/// Whether this thread is unwinding.
#[inline(always)]
pub fn panicking() -> bool {
    unwind::panicking()
}

/// Ends the process after a message, where going on would break memory safety.
pub fn abort(message: core::fmt::Arguments<'_>) -> ! {
    unwind::abort(message)
}
