//! The process, its threads, and a helper that shares its memory. All of it may be
//! called by a signal handler.

use core::ffi::{CStr, c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};

/// The kernel's number of the calling thread.
pub(crate) fn thread_id() -> c_int {
    // SAFETY: asks for a number, which fits.
    unsafe { libc::syscall(libc::SYS_gettid) as c_int }
}

/// The calling thread's name, as the kernel knows it: its first 15 bytes.
pub(crate) fn thread_name(buffer: &mut [u8; 16]) -> &str {
    // SAFETY: asks for a number.
    if thread_id() == unsafe { libc::getpid() } {
        return "main";
    }
    // SAFETY: the buffer has the size that prctl(2) wants.
    let failed = unsafe { libc::prctl(libc::PR_GET_NAME, buffer.as_mut_ptr()) } != 0;
    let name = CStr::from_bytes_until_nul(buffer).ok().filter(|_| !failed);
    name.and_then(|name| name.to_str().ok()).unwrap_or("?")
}

/// Ends the process with `SIGABRT`.
pub(crate) fn abort() -> ! {
    // SAFETY: may be called anywhere.
    unsafe { libc::abort() }
}

/// Waits until another thread has ended the process.
pub(crate) fn wait_for_the_end() -> ! {
    loop {
        // SAFETY: may be called anywhere.
        unsafe { libc::pause() };
    }
}

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
