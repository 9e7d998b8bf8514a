//! The memory below a stack that must fault.

use crate::StackError;
use crate::limits::Limit;
use core::ffi::c_void;
use std::io;

/// Bytes of guard below every stack, before rounding up to pages.
///
/// Where the compiler probes the stack, a frame touches each page on its way
/// down, and one page is enough. Where it does not (rustc 1.95 on MIPS, 32-bit
/// ARM, RISC-V, SPARC and LoongArch), a large frame steps over the guard
/// unless the guard is larger; frames beyond this size are a limit of such targets.
pub const GUARD_SIZE: usize = if COMPILER_PROBES {
    1
} else if usize::BITS == 64 {
    1 << 20
} else {
    64 << 10
};

/// Whether rustc emits stack probes for this target.
const COMPILER_PROBES: bool = cfg!(any(
    target_arch = "x86",
    target_arch = "x86_64",
    target_arch = "aarch64",
    target_arch = "powerpc",
    target_arch = "powerpc64",
    target_arch = "s390x",
));

/// Makes every access to the range fault.
///
/// # Safety
/// The range is page-aligned, part of a mapping of the caller's, and unused.
pub(crate) unsafe fn protect(start: *mut u8, bytes: usize) -> Result<(), StackError> {
    // SAFETY: the caller owns the pages, and nothing in them is used.
    match unsafe { libc::mprotect(start.cast::<c_void>(), bytes, libc::PROT_NONE) } {
        0 => Ok(()),
        _ => Err(StackError::Guard {
            os: io::Error::last_os_error(),
            limit: Limit::likely(),
        }),
    }
}

/// The page size of the running system, in bytes.
pub(crate) fn page_size() -> usize {
    // SAFETY: asks for a constant.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).expect("a page has a size")
}
