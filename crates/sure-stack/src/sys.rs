//! The system calls that stacks are made of. All of them pass here, and each
//! asks [`fault`] first, so that a test can make any of them fail.

use crate::fault::{self, Call};
use core::ffi::{c_int, c_void};
use core::mem::ManuallyDrop;
use memmap2::{MmapMut, MmapOptions};
use std::io;

/// Private memory of the process, unmapped when dropped.
#[derive(Debug)]
pub(crate) struct Mapping(ManuallyDrop<MmapMut>);

impl Mapping {
    /// Address space that takes memory page by page, as it is touched.
    ///
    /// Without swap reserved for it (`MAP_NORESERVE`); for stacks
    /// (`MAP_STACK`), unless it is to be made of huge pages.
    pub(crate) fn new(bytes: usize, huge: bool) -> io::Result<Mapping> {
        fault::check(Call::Map)?;
        let mut options = MmapOptions::new();
        options.len(bytes).no_reserve_swap();
        if !huge {
            options.stack();
        }
        Ok(Mapping(ManuallyDrop::new(options.map_anon()?)))
    }

    /// The lowest address; it lies at a page's beginning.
    pub(crate) fn start(&self) -> *mut u8 {
        self.0.as_ptr().cast_mut()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.len()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // Where the system refuses, the addresses are lost; nothing else is.
        if fault::check(Call::Unmap).is_ok() {
            // SAFETY: once, here.
            unsafe { ManuallyDrop::drop(&mut self.0) }
        }
    }
}

/// What the system may be told about a range of pages (`madvise(2)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advice {
    /// Take the pages now; they read as zeros next time.
    DontNeed,
    /// Take the pages when memory is short.
    Free,
    /// Huge pages, please.
    HugePages,
    /// No huge pages, wherever they are the system's own idea.
    NoHugePages,
    /// Make the pages a guard, without a mapping of its own (Linux 6.13).
    InstallGuard,
    /// No such advice: a system that takes it does not mean what it says.
    Bogus,
}

impl Advice {
    fn number(self) -> c_int {
        match self {
            Advice::DontNeed => libc::MADV_DONTNEED,
            Advice::Free => libc::MADV_FREE,
            Advice::HugePages => libc::MADV_HUGEPAGE,
            Advice::NoHugePages => libc::MADV_NOHUGEPAGE,
            // `MADV_GUARD_INSTALL` in the kernel's mman-common.h, for every architecture.
            Advice::InstallGuard => 102,
            Advice::Bogus => 0x7374_6163,
        }
    }
}

/// Advises the system about whole pages.
///
/// # Safety
/// The range is page-aligned and part of a mapping of the caller's, to whom
/// what the advice does to the contents is right.
pub(crate) unsafe fn advise(start: *mut u8, bytes: usize, advice: Advice) -> io::Result<()> {
    fault::check(Call::Advise)?;
    // SAFETY: the caller's pages, and the caller's wish.
    succeed(unsafe { libc::madvise(start.cast::<c_void>(), bytes, advice.number()) })
}

/// Makes every access to whole pages fault.
///
/// # Safety
/// The range is page-aligned, part of a mapping of the caller's, and unused.
pub(crate) unsafe fn protect(start: *mut u8, bytes: usize) -> io::Result<()> {
    fault::check(Call::Protect)?;
    // SAFETY: the caller owns the pages, and nothing in them is used.
    succeed(unsafe { libc::mprotect(start.cast::<c_void>(), bytes, libc::PROT_NONE) })
}

/// Asks for each page of a range whether it takes memory (`mincore(2)`): the
/// lowest bit of its byte in `answer`, which has as many bytes as the range pages.
///
/// # Safety
/// The range is page-aligned and part of a mapping of the caller's.
pub(crate) unsafe fn residence(start: *mut u8, answer: &mut [u8], page: usize) -> io::Result<()> {
    // SAFETY: `answer` has room for the number of pages that is asked about.
    succeed(unsafe {
        libc::mincore(
            start.cast::<c_void>(),
            answer.len() * page,
            answer.as_mut_ptr().cast(),
        )
    })
}

/// The page size of the running system, in bytes.
pub(crate) fn page_size() -> usize {
    // SAFETY: asks for a constant.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).expect("a page has a size")
}

fn succeed(result: c_int) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
