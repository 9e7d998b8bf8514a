//! The name of the function that has overflowed: best effort.
//!
//! The program's file is searched, which may be large, broken, or on a disk
//! that does not answer; and the alternate stack may be too small for it. So a helper does
//! it: a process that shares our memory, as that of vfork(2) does, but has a guarded stack
//! of its own, and an alarm that kills it. Whatever becomes of it, this process goes on to
//! its end, and so do its other threads until then.

use super::elf;
use super::report::Report;
use crate::{GuardedMmapStack, Stack, StackError};
use core::ffi::{c_int, c_void};
use core::fmt::Write;
use core::mem::MaybeUninit;
use core::{ptr, slice, str};
use rustc_demangle::demangle;
use std::sync::OnceLock;

/// How long it may take, in seconds.
const TIME: u32 = 2;

/// How much stack the helper has, in bytes.
const STACK: usize = 128 << 10;

/// The helper's. Mapped beforehand, because a signal handler cannot map one.
static HELPER_STACK: OnceLock<GuardedMmapStack> = OnceLock::new();

/// Makes the stack that [`print`] needs.
pub(super) fn prepare() -> Result<(), StackError> {
    if HELPER_STACK.get().is_none() {
        let stack = GuardedMmapStack::allocate_at_least(STACK)?;
        // Where two threads come at once, one of the stacks is unmapped again.
        let _ = HELPER_STACK.set(stack);
    }
    Ok(())
}

/// Prints a line with the name of the function in which the report's module
/// was found, if it can be had. The only call in the life of the process.
pub(super) fn print(report: &mut Report) {
    // SAFETY: `help` takes a report, which is the helper's until it ends.
    unsafe { run_helper(help, ptr::from_mut(report).cast()) };
}

/// Calls `run` in the helper, and returns when that has ended.
///
/// # Safety
/// 1. `run` may be called with `argument`, beside other threads.
/// 2. There is one call at a time.
unsafe fn run_helper(run: extern "C" fn(*mut c_void) -> c_int, argument: *mut c_void) {
    let Some(stack) = HELPER_STACK.get() else {
        return;
    };
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the high end of a stack on which nothing else runs (2), and a
    // function that may be called (1). This call waits for the helper's end.
    unsafe {
        let helper = clone(run, stack.base().as_ptr().cast(), flags, argument);
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

#[cfg(test)]
mod tests {
    use super::*;
    use core::hint::black_box;

    #[inline(never)]
    fn without_end(depth: usize) -> usize {
        let frame = black_box([depth; 64]);
        if black_box(depth) == usize::MAX {
            return 0;
        }
        black_box(without_end(depth + 1)) + frame[depth % 64]
    }

    extern "C" fn overflow(_: *mut c_void) -> c_int {
        bound();
        without_end(0) as c_int
    }

    #[test]
    fn a_helper_that_overflows_ends_alone() {
        prepare().unwrap();
        // SAFETY: it takes no argument; no other test runs the helper.
        unsafe { run_helper(overflow, ptr::null_mut()) };
    }
}
