//! A helper that shares the memory of the process. All of it may be called by a
//! signal handler.

use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};

/// Calls `run` in a helper, and returns when that has ended: a process that shares
/// the memory of this one, as that of vfork(2) does, but has a stack of its own.
/// Other threads go on meanwhile.
///
/// # Safety
/// 1. `run` may be called with `argument`, beside other threads.
/// 2. `base` is the high end of a stack on which nothing else runs until the end.
pub(crate) unsafe fn run_helper(
    base: NonNull<u8>,
    run: extern "C" fn(*mut c_void) -> c_int,
    argument: *mut c_void,
) {
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: a stack of the helper's own (2), and a function that may be called (1).
    let helper = unsafe { clone(run, base.as_ptr().cast(), flags, argument) };
    // Emulators do not wait by themselves.
    // SAFETY: waits for the child of above; its status is not wanted.
    while helper > 0 && unsafe { libc::waitpid(helper, ptr::null_mut(), libc::__WALL) } < 0 {
        if std::io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
            break;
        }
    }
}

/// Called by a helper: it ends within some seconds, and alone.
pub(crate) fn bound_helper(seconds: u32) {
    // SAFETY: plain system calls, on the helper.
    unsafe {
        // A core would end all processes that share the memory.
        let none: libc::rlimit = MaybeUninit::zeroed().assume_init();
        libc::setrlimit(libc::RLIMIT_CORE, &none);
        for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGABRT, libc::SIGALRM] {
            libc::signal(signal, libc::SIG_DFL);
        }
        let all: libc::sigset_t = MaybeUninit::zeroed().assume_init();
        libc::sigprocmask(libc::SIG_SETMASK, &all, ptr::null_mut());
        libc::alarm(seconds);
    }
}

#[cfg(not(target_env = "gnu"))]
use libc::clone;

#[cfg(target_env = "gnu")]
unsafe extern "C" {
    /// clone(2) by its other name, which sanitizers do not intercept: they would
    /// take the helper for a process that has memory of its own.
    #[link_name = "__clone"]
    fn clone(
        run: extern "C" fn(*mut c_void) -> c_int,
        stack: *mut c_void,
        flags: c_int,
        argument: *mut c_void,
        ...
    ) -> c_int;
}
