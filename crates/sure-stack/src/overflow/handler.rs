//! The handler itself, and how it gets into its place.

use super::{previous, report};
use crate::lock;
use crate::{StackError, registry};
use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};
use std::io;

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
        let before = exchange(None)?;
        // First, because the handler may be needed as soon as it is there.
        previous::note(before);
        let mut action = before;
        action.sa_sigaction = handle as *const () as usize;
        action.sa_flags &= !libc::SA_RESETHAND;
        action.sa_flags |= libc::SA_SIGINFO | libc::SA_ONSTACK;
        let replaced = exchange(Some(&action))?;
        if replaced.sa_sigaction != before.sa_sigaction {
            previous::note(replaced);
        }
        INSTALLED.store(true, Ordering::Relaxed);
        Ok(())
    })
}

/// Sets the action, if one is given, and returns the one before.
fn exchange(action: Option<&libc::sigaction>) -> Result<libc::sigaction, StackError> {
    let mut before = MaybeUninit::zeroed();
    let action = action.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: an action whose handler has the type that its flags tell, or
    // null; and room for another.
    match unsafe { libc::sigaction(SIGNAL, action, before.as_mut_ptr()) } {
        // SAFETY: all zeros, or written by the system.
        0 => Ok(unsafe { before.assume_init() }),
        _ => Err(StackError::Signals {
            os: io::Error::last_os_error(),
        }),
    }
}

/// Called by the kernel, on the alternate stack.
unsafe extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel, or whoever passes a signal on, gives these three; a
    // fault has an address.
    unsafe {
        if matches!((*info).si_code, SEGV_MAPERR | SEGV_ACCERR) {
            let address = (*info).si_addr().addr();
            if let Some(slot) = registry::find(address).filter(|slot| slot.guards(address)) {
                report::overflow(slot, address, context);
            }
        }
        previous::act(signal, info, context);
    }
}
