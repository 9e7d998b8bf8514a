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

/// What the kernel's frame takes at most, in bytes: these systems do not tell what it takes on the
/// machine that they run on.
///
/// - Apple's `MINSIGSTKSZ` (`sys/signal.h`) is 32 KiB, far more than their largest frame.
/// - FreeBSD's (`machine/_limits.h`) is 2 to 4 KiB, and does not count the extended registers that `sendsig`
///   puts above the frame (`sys/amd64/amd64/exec_machdep.c`): with AVX-512 and AMX some 11 KiB.
pub(crate) fn frame_size() -> usize {
    const EXTENDED: usize = if cfg!(target_os = "freebsd") {
        12 << 10
    } else {
        0
    };
    libc::MINSIGSTKSZ + EXTENDED
}
