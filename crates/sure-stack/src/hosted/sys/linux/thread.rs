//! The calling thread: its stack, its number, its name. A signal handler may ask for the
//! latter two.

use core::ffi::{CStr, c_int};
use core::mem::MaybeUninit;
use core::ptr;

/// The usable part of the calling thread's own stack, without its guard, whether or not the C
/// library counts that as a part of the stack (`pthread_attr_getguardsize(3)`, BUGS).
pub(crate) fn own_stack() -> Option<(usize, usize)> {
    let mut attributes = MaybeUninit::uninit();
    // SAFETY: `attributes` is writable; the thread is this one.
    if unsafe { libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    let mut lowest = ptr::null_mut();
    let (mut size, mut guard) = (0, 0);
    // SAFETY: initialised by the call above, read twice, destroyed once.
    let read = unsafe {
        let stack = libc::pthread_attr_getstack(attributes.as_ptr(), &mut lowest, &mut size);
        let guarded = libc::pthread_attr_getguardsize(attributes.as_ptr(), &mut guard);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        stack == 0 && guarded == 0
    };
    read.then(|| (lowest.addr() + guard, lowest.addr() + size))
}

/// The kernel's number of the calling thread.
pub(crate) fn number() -> c_int {
    // SAFETY: asks for a number, which fits.
    unsafe { libc::syscall(libc::SYS_gettid) as c_int }
}

/// The calling thread's name, as the kernel knows it: its first 15 bytes.
pub(crate) fn name(buffer: &mut [u8; 16]) -> &str {
    // SAFETY: asks for a number.
    if number() == unsafe { libc::getpid() } {
        return "main";
    }
    // SAFETY: the buffer has the size that prctl(2) wants.
    let failed = unsafe { libc::prctl(libc::PR_GET_NAME, buffer.as_mut_ptr()) } != 0;
    let name = CStr::from_bytes_until_nul(buffer).ok().filter(|_| !failed);
    name.and_then(|name| name.to_str().ok()).unwrap_or("?")
}
