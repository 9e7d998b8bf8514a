//! No tool is watching.

/// What a tool remembers from before a switch until the execution is continued.
pub(crate) struct Hooks;

/// The caller is about to be suspended.
#[inline(always)]
pub(crate) fn before_switch() -> Hooks {
    Hooks
}

/// The caller has been continued.
#[inline(always)]
pub(crate) fn after_switch(_: Hooks) {}

/// The caller is about to leave its stack for good.
#[inline(always)]
pub(crate) fn before_exit() {}

/// A fresh stack is running for the first time.
#[inline(always)]
pub(crate) fn after_first_entry() {}
