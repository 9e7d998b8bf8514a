//! The calling thread: its stack, its number, its name. A signal handler may ask for the
//! latter two.

use core::ffi::CStr;

/// The usable part of the calling thread's own stack, without its guard.
#[cfg(target_vendor = "apple")]
pub(crate) fn own_stack() -> Option<(usize, usize)> {
    // SAFETY: asks about the calling thread, which is alive.
    let (end, size) = unsafe {
        let this = libc::pthread_self();
        (
            libc::pthread_get_stackaddr_np(this),
            libc::pthread_get_stacksize_np(this),
        )
    };
    // The address is that of the high end (Apple's `pthread.h`), and the guard lies below.
    Some((end.addr().checked_sub(size)?, end.addr()))
}

/// The usable part of the calling thread's own stack, without its guard
/// (`pthread_attr_get_np(3)`: the stack's lowest address, which the guard lies below).
#[cfg(target_os = "freebsd")]
pub(crate) fn own_stack() -> Option<(usize, usize)> {
    let mut attributes = core::mem::MaybeUninit::uninit();
    let mut lowest = core::ptr::null_mut();
    let mut size = 0;
    // SAFETY: `attributes` is initialised before it is written, read and destroyed; the thread is
    // this one.
    let read = unsafe {
        if libc::pthread_attr_init(attributes.as_mut_ptr()) != 0 {
            return None;
        }
        let known = libc::pthread_attr_get_np(libc::pthread_self(), attributes.as_mut_ptr());
        let stack = libc::pthread_attr_getstack(attributes.as_ptr(), &mut lowest, &mut size);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        known == 0 && stack == 0
    };
    read.then(|| (lowest.addr(), lowest.addr() + size))
}

/// The system's number of the calling thread, shortened to what a message shows.
pub(crate) fn number() -> core::ffi::c_int {
    #[cfg(target_vendor = "apple")]
    {
        let mut number = 0;
        // SAFETY: asks about the calling thread (0), and writes the number.
        unsafe { libc::pthread_threadid_np(0, &mut number) };
        number as core::ffi::c_int
    }
    #[cfg(target_os = "freebsd")]
    // SAFETY: asks for a number.
    unsafe {
        libc::pthread_getthreadid_np()
    }
}

/// The calling thread's name: its first 15 bytes.
pub(crate) fn name(buffer: &mut [u8; 16]) -> &str {
    // SAFETY: asks whether the calling thread is the main one.
    if unsafe { libc::pthread_main_np() } == 1 {
        return "main";
    }
    // SAFETY: the buffer is writable for its length; the thread is this one.
    let failed = unsafe {
        libc::pthread_getname_np(
            libc::pthread_self(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
        )
    } != 0;
    let name = CStr::from_bytes_until_nul(buffer).ok().filter(|_| !failed);
    name.and_then(|name| name.to_str().ok()).unwrap_or("?")
}
