//! What `coro-dynamic` shares with this crate: panics that cross to a resumer, the forced
//! unwind, and what is said about both.
//!
//! Both kinds of coroutines must agree on these, since one is resumed inside the other: a forced
//! unwind is recognised by the type of its payload, which is this crate's. It is for that crate
//! alone, and changes without notice.

use crate::ForcedUnwind;

pub use crate::unwind::{
    CAN_UNWIND, Payload, cannot_unwind, catch, go_on, go_on_after_drop, panicking, refuse_foreign,
    unwind_again,
};

/// A forced unwind, for a coroutine that is being dropped.
#[inline(always)]
pub fn forced_unwind() -> ForcedUnwind {
    ForcedUnwind::new()
}
