//! What was to happen on a signal of ours before, and still does, unless it is a guard that was hit.

use super::handler::SIGNALS;
use crate::hosted::sys::signal;
use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::mem::{self, MaybeUninit};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

/// The actions that ours have replaced, one for each of the signals. Null stands for the default action.
static PREVIOUS: [AtomicPtr<libc::sigaction>; SIGNALS.len()] =
    [const { AtomicPtr::new(ptr::null_mut()) }; SIGNALS.len()];

/// A handler that takes all three arguments (`SA_SIGINFO`).
type Informed = unsafe extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
/// A handler that takes the signal alone.
type Plain = unsafe extern "C" fn(c_int);

/// Room for an action that is noted. No heap, which may have nothing left and
/// from which a note could never be freed: another thread may be about to read it.
struct Place(UnsafeCell<MaybeUninit<libc::sigaction>>);

// SAFETY: written by `note` alone, whose caller promises that no thread reads it then.
unsafe impl Sync for Place {}

/// For each signal, in the order of [`Noted`].
static PLACES: [[Place; 2]; SIGNALS.len()] =
    [const { [const { Place(UnsafeCell::new(MaybeUninit::uninit())) }; 2] }; SIGNALS.len()];

/// Which action is noted.
#[derive(Clone, Copy)]
pub(super) enum Noted {
    /// The one that is there before ours is installed.
    Found,
    /// The one that ours has replaced, if another thread has changed it meanwhile.
    Replaced,
}

/// Notes the action that is replaced.
///
/// # Safety
/// No other thread notes one at the same time; and either our handler of this signal was never
/// installed, or no such action was ever noted: then no thread reads the place.
pub(super) unsafe fn note(signal: c_int, which: Noted, action: libc::sigaction) {
    let Some(index) = index(signal) else {
        return;
    };
    let place = PLACES[index][which as usize]
        .0
        .get()
        .cast::<libc::sigaction>();
    // SAFETY: room for an action in a static, which no thread reads or writes meanwhile.
    unsafe { place.write(action) };
    PREVIOUS[index].store(place, Ordering::Release);
}

/// Which of [`SIGNALS`] it is.
fn index(signal: c_int) -> Option<usize> {
    SIGNALS.iter().position(|&known| known == signal)
}

/// Does with the signal what would have been done without our handler.
///
/// # Safety
/// Called by the handler, with the arguments that the handler was called with.
pub(super) unsafe fn act(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let place = index(signal).map(|index| &PREVIOUS[index]);
    let noted = place.map_or(ptr::null_mut(), |place| place.load(Ordering::Acquire));
    // SAFETY: null, or an action in a static, noted before it was stored here.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_signal_has_a_place_of_its_own() {
        for (place, &signal) in SIGNALS.iter().enumerate() {
            assert_eq!(index(signal), Some(place));
        }
        assert_eq!(index(libc::SIGKILL), None);
    }
}
