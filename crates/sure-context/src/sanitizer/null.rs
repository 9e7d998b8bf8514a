//! No tool is watching.

use core::ptr::NonNull;

/// What a tool remembers from before a switch until the execution is continued.
pub(crate) struct Hooks;

/// An execution that will be continued by the token `saved` was laid out below `top`. Its stack reaches down
/// to `limit`, if that is known.
#[inline(always)]
pub(crate) fn prepared(_saved: usize, _limit: Option<NonNull<u8>>, _top: usize) {}

/// The caller is about to be suspended, and `to` continued.
#[inline(always)]
pub(crate) fn before_switch(_to: usize) -> Hooks {
    Hooks
}

/// The caller is about to be suspended, and a fresh frame below `top` entered.
#[inline(always)]
pub(crate) fn before_descent(_top: usize) -> Hooks {
    Hooks
}

/// The caller has been continued by `from`; by an exit, if that is 0.
#[inline(always)]
pub(crate) fn after_switch(_: Hooks, _from: usize) {}

/// The caller is about to leave its stack for good, and continue `to`.
#[inline(always)]
pub(crate) fn before_exit(_to: usize) {}

/// A fresh stack is running for the first time, continued by `from`.
#[inline(always)]
pub(crate) fn after_first_entry(_from: usize) {}

/// The suspended execution `saved` will never be continued.
#[inline(always)]
pub(crate) fn abandoned(_saved: usize) {}

/// What was on the stack `limit..base` is not needed any more, and something else will be put there.
#[inline(always)]
pub(crate) fn reused(_limit: NonNull<u8>, _base: NonNull<u8>) {}
