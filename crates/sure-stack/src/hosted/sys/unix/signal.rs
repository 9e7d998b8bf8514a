//! Signals: their actions, and alternate stacks for their handlers.

use super::succeed;
use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::ptr;
use std::io;

/// Sets the action of a signal, if one is given, and returns the one before.
///
/// # Safety
/// The handler of the action has the type that its flags tell, and may be called at
/// any time.
pub(crate) unsafe fn exchange_action(
    signal: c_int,
    action: Option<&libc::sigaction>,
) -> io::Result<libc::sigaction> {
    let mut before = MaybeUninit::zeroed();
    let action = action.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: null or an action whose handler may be called, and room for another.
    succeed(unsafe { libc::sigaction(signal, action, before.as_mut_ptr()) })?;
    // SAFETY: written by the system; what it has not written is all zeros.
    Ok(unsafe { before.assume_init() })
}

/// Gives a signal its default action.
pub(crate) fn act_by_default(signal: c_int) {
    // SAFETY: all zeros is an action: the default, no flags, an empty mask.
    let default: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: there is no handler.
    let _ = unsafe { exchange_action(signal, Some(&default)) };
}

/// Sets the thread's alternate stack, if one is given, and returns the one before.
///
/// # Safety
/// The memory of a stack that is given is used by nothing else until another takes
/// its place.
pub(crate) unsafe fn exchange_stack(stack: Option<&libc::stack_t>) -> io::Result<libc::stack_t> {
    let stack = stack.map_or(ptr::null(), ptr::from_ref);
    let mut before = MaybeUninit::uninit();
    // SAFETY: null or memory for handlers to run on, and room for a description.
    succeed(unsafe { libc::sigaltstack(stack, before.as_mut_ptr()) })?;
    // SAFETY: written by the system.
    Ok(unsafe { before.assume_init() })
}
