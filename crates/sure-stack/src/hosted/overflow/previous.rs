//! What was to happen on a signal of ours before, and still does, unless it is a guard that was hit.

use super::handler::SIGNALS;
use crate::hosted::sys::signal;
use core::ffi::{c_int, c_void};
use core::mem;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use std::boxed::Box;

/// The actions that ours have replaced, one for each of the signals. Null stands for the default action.
static PREVIOUS: [AtomicPtr<libc::sigaction>; SIGNALS.len()] =
    [const { AtomicPtr::new(ptr::null_mut()) }; SIGNALS.len()];

/// A handler that takes all three arguments (`SA_SIGINFO`).
type Informed = unsafe extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
/// A handler that takes the signal alone.
type Plain = unsafe extern "C" fn(c_int);

/// Notes the action that is replaced. It stays for ever: another thread may be
/// about to read it.
pub(super) fn note(signal: c_int, action: libc::sigaction) {
    let action = Box::into_raw(Box::new(action));
    if let Some(place) = place(signal) {
        place.store(action, Ordering::Release);
    }
}

/// Where the action of a signal is noted, which is one of [`SIGNALS`].
fn place(signal: c_int) -> Option<&'static AtomicPtr<libc::sigaction>> {
    let mut places = SIGNALS.iter().zip(&PREVIOUS);
    places.find_map(|(&known, place)| (known == signal).then_some(place))
}

/// Does with the signal what would have been done without our handler.
///
/// # Safety
/// Called by the handler, with the arguments that the handler was called with.
pub(super) unsafe fn act(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let place = place(signal);
    let noted = place.map_or(ptr::null_mut(), |place| place.load(Ordering::Acquire));
    // SAFETY: null, or noted and never freed.
    let Some(action) = (unsafe { noted.as_ref() }) else {
        // SAFETY: the first two arguments of the handler belong together.
        return unsafe { act_by_default(signal, info) };
    };
    if let Some(place) = place.filter(|_| action.sa_flags & libc::SA_RESETHAND != 0) {
        place.store(ptr::null_mut(), Ordering::Release);
    }
    // Mask and flags of the previous action are also those of ours.
    match action.sa_sigaction {
        // SAFETY: the first two arguments of the handler belong together.
        libc::SIG_DFL => unsafe { act_by_default(signal, info) },
        // The kernel does not let a fault be ignored.
        // SAFETY: the handler's second argument is readable, and belongs to the first.
        libc::SIG_IGN if unsafe { (*info).si_code } > 0 => unsafe { act_by_default(signal, info) },
        libc::SIG_IGN => {}
        handler if action.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: by its flags, a function of this type, called as the kernel would.
            let handler = unsafe { mem::transmute::<usize, Informed>(handler) };
            // SAFETY: called with what the kernel would call it with.
            unsafe { handler(signal, info, context) };
        }
        handler => {
            // SAFETY: by its flags, a function of this type, called as the kernel would.
            let handler = unsafe { mem::transmute::<usize, Plain>(handler) };
            // SAFETY: called with what the kernel would call it with.
            unsafe { handler(signal) };
        }
    }
}

/// Lets the kernel do it: after a fault by letting the instruction run into it
/// again, so that the process's core tells the place.
///
/// # Safety
/// `info` is that of `signal`.
unsafe fn act_by_default(signal: c_int, info: *mut libc::siginfo_t) {
    signal::act_by_default(signal);
    // SAFETY: `info` is readable.
    if unsafe { (*info).si_code } <= 0 {
        // A process has sent it: it is sent again as it was, and waits until
        // the handler has returned.
        // SAFETY: `info` is readable.
        unsafe { signal::send_again(signal, info) };
    }
}
