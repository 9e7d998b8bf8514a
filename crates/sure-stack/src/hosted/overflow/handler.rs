//! The handler itself, and how it gets into its place.

use super::previous::{self, Noted};
use super::report;
use crate::StackError;
use crate::hosted::registry;
use crate::hosted::sys::lock;
use crate::hosted::sys::signal;
use crate::hosted::target::System;
use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicBool, Ordering};
use std::env::consts::OS;

static INSTALLED: AtomicBool = AtomicBool::new(false);

/// The signals of a guard that is hit.
pub(super) const SIGNALS: &[c_int] = System::named(OS).guard_signals;

/// The table's numbers are those of the C library.
const _: () = {
    let mut n = 0;
    while n < SIGNALS.len() {
        assert!(matches!(SIGNALS[n], libc::SIGSEGV | libc::SIGBUS));
        n += 1;
    }
};

/// `si_code` of an access to what is not mapped, as a lightweight guard is not. (With `SIGBUS`,
/// 1 and 2 are those of a wrong address: `BUS_ADRALN`, `BUS_ADRERR`.)
const SEGV_MAPERR: c_int = 1;
/// `si_code` of an access that the mapping does not allow.
const SEGV_ACCERR: c_int = 2;

pub(super) fn is_installed() -> bool {
    INSTALLED.load(Ordering::Relaxed)
}

pub(super) fn install() -> Result<(), StackError> {
    lock::INDEX.locked(|| {
        if is_installed() {
            // A second time it might become its own predecessor.
            return Ok(());
        }
        for &signal in SIGNALS {
            take_over(signal)?;
        }
        INSTALLED.store(true, Ordering::Relaxed);
        Ok(())
    })
}

/// Puts our handler in the place of the one of before, which is noted. Called under the lock.
fn take_over(signal: c_int) -> Result<(), StackError> {
    // SAFETY: no action is given.
    let before = unsafe { exchange(signal, None) }?;
    let is_ours = before.sa_sigaction == handle as *const () as usize;
    if is_ours {
        // An installation got so far, and failed at a later signal.
        return Ok(());
    }
    // First, because the handler may be needed as soon as it is there.
    // SAFETY: under the lock; our handler of this signal is not installed, and was not before.
    unsafe { previous::note(signal, Noted::Found, before) };
    let mut action = before;
    action.sa_sigaction = handle as *const () as usize;
    action.sa_flags &= !libc::SA_RESETHAND;
    action.sa_flags |= libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: `handle` takes three arguments, as `SA_SIGINFO` says.
    let replaced = unsafe { exchange(signal, Some(&action)) }?;
    if replaced.sa_sigaction != before.sa_sigaction {
        // SAFETY: under the lock; this is reached once, because our handler is installed from now on.
        unsafe { previous::note(signal, Noted::Replaced, replaced) };
    }
    Ok(())
}

/// Sets the action, if one is given, and returns the one before.
///
/// # Safety
/// The handler of the action has the type that its flags tell.
unsafe fn exchange(
    signal: c_int,
    action: Option<&libc::sigaction>,
) -> Result<libc::sigaction, StackError> {
    // SAFETY: the handler has this type; `handle` may be called at any time.
    unsafe { signal::exchange_action(signal, action) }.map_err(|os| StackError::Signals { os })
}

/// Called by the kernel, on the alternate stack.
///
/// # Safety
/// Called with what the kernel gives to a handler with `SA_SIGINFO`.
unsafe extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: given by the kernel, or by a later handler that passes the signal on.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr().addr()) };
    if matches!(code, SEGV_MAPERR | SEGV_ACCERR)
        && let Some(stack) = registry::find(address).filter(|stack| stack.guards(address))
    {
        // SAFETY: the third argument, of an access to this address.
        unsafe { report::overflow(stack, address, context) };
    }
    // SAFETY: the arguments of this handler.
    unsafe { previous::act(signal, info, context) };
}
