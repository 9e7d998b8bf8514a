//! What is Linux's own of signals: one sent again as it was, and how large a handler's frame is.

pub(crate) use crate::hosted::sys::unix::signal::*;
use core::ffi::c_int;

/// Sends a signal to the calling thread, as it was sent before.
///
/// # Safety
/// `info` is readable.
pub(crate) unsafe fn send_again(signal: c_int, info: *mut libc::siginfo_t) {
    let thread = super::thread::number();
    // SAFETY: plain system calls; `info` is readable.
    unsafe {
        libc::syscall(
            libc::SYS_rt_tgsigqueueinfo,
            libc::getpid(),
            thread,
            signal,
            info,
        )
    };
}

/// The kernel's frame with all registers of this machine, in bytes.
pub(crate) fn frame_size() -> usize {
    // SAFETY: asks for a constant, or 0 where the kernel does not tell it.
    let told = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) };
    libc::MINSIGSTKSZ.max(told as usize)
}
