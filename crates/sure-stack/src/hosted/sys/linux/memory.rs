//! What is Linux's own of memory: the numbers of its advice, and a way to ask about a page.

pub(crate) use crate::hosted::sys::Advice;
use crate::hosted::sys::failpoint::{self, Call};
pub(crate) use crate::hosted::sys::unix::memory::*;
use core::ffi::c_int;
use std::io;
use std::vec::Vec;

/// The number of an advice, if the system has it (`madvise(2)`).
pub(in crate::hosted::sys) fn number(advice: Advice) -> Option<c_int> {
    Some(match advice {
        Advice::DontNeed => libc::MADV_DONTNEED,
        Advice::Free => libc::MADV_FREE,
        Advice::HugePages => libc::MADV_HUGEPAGE,
        Advice::NoHugePages => libc::MADV_NOHUGEPAGE,
        // `MADV_GUARD_INSTALL` in the kernel's mman-common.h, for every architecture.
        Advice::InstallGuard => 102,
        // `MADV_POPULATE_WRITE` there, for every architecture, too.
        Advice::PopulateWrite => 23,
        Advice::Bogus => 0x7374_6163,
    })
}

/// Advises the system about as many bytes of each of many places, in one call
/// (`process_madvise(2)`, which takes advice for the process's own memory since Linux 6.13).
///
/// An error says nothing about how many of them it was told of.
///
/// # Safety
/// Each is a range of whole pages of mappings of the caller's, and nothing that the advice takes
/// away from its contents is needed.
pub(crate) unsafe fn advise_each(
    starts: &[*mut u8],
    bytes: usize,
    advice: Advice,
) -> io::Result<()> {
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    failpoint::check(Call::Advise)?;
    let Some(number) = number(advice) else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    let ranges: Vec<libc::iovec> = starts
        .iter()
        .map(|start| libc::iovec {
            iov_base: start.cast(),
            iov_len: bytes,
        })
        .collect();
    // One for each call: after a fork, one that was kept would be the parent.
    // SAFETY: the call takes two numbers, and has no effect on memory.
    let own = unsafe { libc::syscall(libc::SYS_pidfd_open, libc::getpid(), 0) };
    if own < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a descriptor that was opened just now, which nothing else has.
    let own = unsafe { OwnedFd::from_raw_fd(own as c_int) };
    // SAFETY: `ranges` are as many as is said, of pages of the caller's, whose contents may
    // change as the advice says.
    let advised = unsafe {
        let (ranges, count) = (ranges.as_ptr(), ranges.len());
        libc::syscall(
            libc::SYS_process_madvise,
            own.as_raw_fd(),
            ranges,
            count,
            number,
            0,
        )
    };
    match usize::try_from(advised) {
        Ok(advised) if advised == bytes * starts.len() => Ok(()),
        Ok(_) => Err(io::ErrorKind::Other.into()),
        Err(_) => Err(io::Error::last_os_error()),
    }
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
