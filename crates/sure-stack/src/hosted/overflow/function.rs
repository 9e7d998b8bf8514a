//! The name of the function that has overflowed: best effort.
//!
//! The program's file is searched, which may be large, broken, or on a disk
//! that does not answer; and the alternate stack may be too small for it. So a helper does
//! it: a process that shares our memory, as that of vfork(2) does, but has a guarded stack
//! of its own, and an alarm that kills it. Whatever becomes of it, this process goes on to
//! its end, and so do its other threads until then.

use super::elf;
use super::report::Report;
use crate::hosted::sys::file::File;
use crate::hosted::sys::helper;
use crate::{GuardedMmapStack, Stack, StackError};
use core::ffi::{c_int, c_void};
use core::{ptr, str};
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
    if let Some(stack) = HELPER_STACK.get() {
        // SAFETY: (1) `help` takes a report, which is the helper's until it ends;
        // (2) the one helper of the process runs on this stack.
        unsafe { helper::run_helper(stack.base(), help, ptr::from_mut(report).cast()) };
    }
}

extern "C" fn help(report: *mut c_void) -> c_int {
    helper::bound_helper(TIME);
    // SAFETY: given by `print`, which waits.
    let report = unsafe { &mut *report.cast::<Report>() };
    let file = File::open(report.module.c_path()).and_then(|file| file.map());
    let name = file.and_then(|file| elf::function_at(file, report.module.file_offset));
    match name.map(str::from_utf8) {
        Some(Ok(name)) => {
            report.describe_function(name);
            0
        }
        _ => 1,
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
        helper::bound_helper(TIME);
        without_end(0) as c_int
    }

    #[test]
    fn a_helper_that_overflows_ends_alone() {
        prepare().unwrap();
        let base = HELPER_STACK.get().unwrap().base();
        // SAFETY: (1) it takes no argument; (2) no other test runs the helper.
        unsafe { helper::run_helper(base, overflow, ptr::null_mut()) };
    }
}
