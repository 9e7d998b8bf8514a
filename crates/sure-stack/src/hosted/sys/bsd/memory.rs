//! What is these systems' own of memory: the numbers of their advice.

pub(crate) use crate::hosted::sys::Advice;
pub(crate) use crate::hosted::sys::unix::memory::*;
use core::ffi::c_int;
use std::io;

/// The number of an advice, if the system has it (`madvise(2)`).
///
/// `MADV_DONTNEED` keeps the contents here, which [`clears_memory`](crate::hosted::guard) finds out:
/// it tries whether pages read as zeros afterwards.
pub(in crate::hosted::sys) fn number(advice: Advice) -> Option<c_int> {
    match advice {
        Advice::DontNeed => Some(libc::MADV_DONTNEED),
        Advice::Free => Some(libc::MADV_FREE),
        Advice::HugePages | Advice::NoHugePages | Advice::InstallGuard => None,
        Advice::PopulateWrite => None,
        Advice::Bogus => Some(0x7374_6163),
    }
}

/// The system has no such call.
///
/// # Safety
/// None needed.
pub(crate) unsafe fn advise_each(_: &[*mut u8], _: usize, _: Advice) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether the system itself can write to a page: it reports a fault (`EFAULT`)
/// where the process would die of one.
///
/// # Safety
/// `page` is a page of a mapping of the caller's, with nothing alive in it.
pub(crate) unsafe fn is_writable(page: *mut u8) -> bool {
    const { assert!(size_of::<libc::rusage>() <= 4096) };
    // A plain system call, which `uname` is not here.
    // SAFETY: if the page can be written to, it has room for the structure.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, page.cast()) == 0 }
}
