//! The calling thread's own stack.

#[cfg(any(target_os = "linux", target_os = "android"))]
use core::{mem::MaybeUninit, ptr};

/// The usable part of the calling thread's own stack, without its guard, whether or not the C
/// library counts that as a part of the stack (`pthread_attr_getguardsize(3)`, BUGS).
#[cfg(any(target_os = "linux", target_os = "android"))]
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

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn own_stack() -> Option<(usize, usize)> {
    None
}
