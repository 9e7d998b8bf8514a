//! What is these systems' own of signals.

pub(crate) use crate::hosted::sys::unix::signal::*;
use core::ffi::c_int;

/// Sends a signal to the calling thread. (With what it was sent before only Linux can.)
///
/// # Safety
/// None here; a system that sends it as it was reads `info`.
pub(crate) unsafe fn send_again(signal: c_int, _info: *mut libc::siginfo_t) {
    // SAFETY: may be called anywhere.
    unsafe { libc::raise(signal) };
}

/// The kernel's frame with all registers of this machine, in bytes, as its headers have it:
/// these systems do not tell it otherwise.
pub(crate) fn frame_size() -> usize {
    libc::MINSIGSTKSZ
}
