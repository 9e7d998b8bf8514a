//! The handler itself, and how it gets into its place.

use super::{previous, report};
use crate::StackError;
use crate::hosted::registry;
use crate::hosted::sys::lock;
use crate::hosted::sys::signal;
use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicBool, Ordering};

static INSTALLED: AtomicBool = AtomicBool::new(false);

/// The signal of a guard that is hit. (Linux; others send `SIGBUS`.)
const SIGNAL: c_int = libc::SIGSEGV;

/// `si_code` of an access to what is not mapped, as a lightweight guard is not.
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
        // SAFETY: no action is given.
        let before = unsafe { exchange(None) }?;
        // First, because the handler may be needed as soon as it is there.
        // SAFETY: under the lock; our handler is not installed, and was not before.
        unsafe { previous::note(&previous::FOUND, before) };
        let mut action = before;
        action.sa_sigaction = handle as *const () as usize;
        action.sa_flags &= !libc::SA_RESETHAND;
        action.sa_flags |= libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: `handle` takes three arguments, as `SA_SIGINFO` says.
        let replaced = unsafe { exchange(Some(&action)) }?;
        if replaced.sa_sigaction != before.sa_sigaction {
            // SAFETY: under the lock; this is reached once, because it is followed by `INSTALLED`.
            unsafe { previous::note(&previous::REPLACED, replaced) };
        }
        INSTALLED.store(true, Ordering::Relaxed);
        Ok(())
    })
}

/// Sets the action, if one is given, and returns the one before.
///
/// # Safety
/// The handler of the action has the type that its flags tell.
unsafe fn exchange(action: Option<&libc::sigaction>) -> Result<libc::sigaction, StackError> {
    // SAFETY: the handler has this type; `handle` may be called at any time.
    unsafe { signal::exchange_action(SIGNAL, action) }.map_err(|os| StackError::Signals { os })
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
