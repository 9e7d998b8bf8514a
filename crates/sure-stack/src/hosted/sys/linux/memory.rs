//! What is Linux's own of memory: the numbers of its advice, and a way to ask about a page.

pub(crate) use crate::hosted::sys::Advice;
pub(crate) use crate::hosted::sys::unix::memory::*;
use core::ffi::c_int;

/// The number of an advice, if the system has it (`madvise(2)`).
pub(in crate::hosted::sys) fn number(advice: Advice) -> Option<c_int> {
    Some(match advice {
        Advice::DontNeed => libc::MADV_DONTNEED,
        Advice::Free => libc::MADV_FREE,
        Advice::HugePages => libc::MADV_HUGEPAGE,
        Advice::NoHugePages => libc::MADV_NOHUGEPAGE,
        // `MADV_GUARD_INSTALL` in the kernel's mman-common.h, for every architecture.
        Advice::InstallGuard => 102,
        Advice::Bogus => 0x7374_6163,
    })
}

/// Whether the system itself can write to a page: it reports a fault (`EFAULT`)
/// where the process would die of one.
///
/// # Safety
/// `page` is a page of a mapping of the caller's, with nothing alive in it.
pub(crate) unsafe fn is_writable(page: *mut u8) -> bool {
    const { assert!(size_of::<libc::utsname>() <= 4096) };
    // SAFETY: if the page can be written to, it has room for the structure.
    unsafe { libc::uname(page.cast()) == 0 }
}
