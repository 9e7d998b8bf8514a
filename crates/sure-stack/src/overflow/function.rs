//! The name of the function that has overflowed: best effort.
//!
//! The program's file is searched, which may be large, broken, or on a disk
//! that does not answer; and the alternate stack may be too small for it. So a helper does
//! it: a process that shares our memory, as that of vfork(2) does, but has a stack of its
//! own, and an alarm that kills it. Whatever becomes of it, this process goes on to its end.

use super::elf;
use super::report::Report;
use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::fmt::Write;
use core::mem::MaybeUninit;
use core::{ptr, slice, str};
use rustc_demangle::demangle;

/// How long it may take, in seconds.
const TIME: u32 = 2;

const STACK: usize = 128 << 10;

#[repr(align(64))]
struct HelperStack(UnsafeCell<MaybeUninit<[u8; STACK]>>);

// SAFETY: used by one helper, which `print` starts.
unsafe impl Sync for HelperStack {}

static HELPER_STACK: HelperStack = HelperStack(UnsafeCell::new(MaybeUninit::uninit()));

/// Prints a line with the name of the function in which the report's module
/// was found, if it can be had. The only call in the life of the process.
pub(super) fn print(report: &mut Report) {
    // SAFETY: the stack is the helper's own; the report is its until it ends,
    // which this call waits for.
    unsafe {
        let base = HELPER_STACK.0.get().cast::<u8>().add(STACK);
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        let helper = clone(help, base.cast(), flags, ptr::from_mut(report).cast());
        // Emulators do not wait by themselves.
        while helper > 0 && libc::waitpid(helper, ptr::null_mut(), libc::__WALL) < 0 {
            if std::io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
                break;
            }
        }
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

extern "C" fn help(report: *mut c_void) -> c_int {
    bound();
    // SAFETY: given by `print`, which waits.
    let Report { text, module } = unsafe { &mut *report.cast::<Report>() };
    // SAFETY: a C string.
    let Some(file) = (unsafe { map(module.c_path()) }) else {
        return 1;
    };
    let Some(name) = elf::function_at(file, module.file_offset) else {
        return 1;
    };
    match str::from_utf8(name) {
        Ok(name) => {
            let _ = writeln!(text, "  function  {:#}", demangle(name));
            text.flush();
            0
        }
        Err(_) => 1,
    }
}

/// Sees to it that this process ends soon, and alone.
fn bound() {
    // SAFETY: plain system calls, on this process.
    unsafe {
        // A core would end everybody who shares the memory.
        let none: libc::rlimit = MaybeUninit::zeroed().assume_init();
        libc::setrlimit(libc::RLIMIT_CORE, &none);
        for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGABRT, libc::SIGALRM] {
            libc::signal(signal, libc::SIG_DFL);
        }
        let all: libc::sigset_t = MaybeUninit::zeroed().assume_init();
        libc::sigprocmask(libc::SIG_SETMASK, &all, ptr::null_mut());
        libc::alarm(TIME);
    }
}

/// Maps a file, for the rest of this process's life.
///
/// # Safety
/// `path` is a C string.
unsafe fn map(path: *const libc::c_char) -> Option<&'static [u8]> {
    // SAFETY: the caller's promise; a stat is all integers, and is read once
    // the system has written it; nobody unmaps the mapping.
    unsafe {
        let file = libc::open(path, libc::O_RDONLY | libc::O_CLOEXEC);
        let mut stat: libc::stat64 = MaybeUninit::zeroed().assume_init();
        if file < 0 || libc::fstat64(file, &mut stat) != 0 {
            return None;
        }
        let len = usize::try_from(stat.st_size).ok()?;
        let start = libc::mmap64(
            ptr::null_mut(),
            len,
            libc::PROT_READ,
            libc::MAP_PRIVATE,
            file,
            0,
        );
        (start != libc::MAP_FAILED).then(|| slice::from_raw_parts(start.cast(), len))
    }
}
