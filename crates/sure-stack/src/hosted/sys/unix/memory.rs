//! Memory: mmap(2), madvise(2), mprotect(2), mincore(2).

use super::succeed;
use crate::hosted::sanitizer;
use crate::hosted::sys::failpoint::{self, Call};
use crate::hosted::sys::{Advice, system};
use core::ffi::c_void;
use core::mem::ManuallyDrop;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
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
        failpoint::check(Call::Map)?;
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
        if failpoint::check(Call::Unmap).is_ok() {
            sanitizer::unmapped(self.start(), self.bytes());
            // SAFETY: dropped once, here; nothing uses the field afterwards.
            unsafe { ManuallyDrop::drop(&mut self.0) }
        }
    }
}

/// Advises the system about whole pages.
///
/// # Safety
/// The range is page-aligned and part of a mapping of the caller's, and nothing
/// that the advice takes away from its contents is needed.
pub(crate) unsafe fn advise(start: *mut u8, bytes: usize, advice: Advice) -> io::Result<()> {
    failpoint::check(Call::Advise)?;
    let Some(number) = system::memory::number(advice) else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    // SAFETY: pages of a mapping of the caller's, whose contents may change as the
    // advice says.
    succeed(unsafe { libc::madvise(start.cast::<c_void>(), bytes, number) })
}

/// Makes every access to whole pages fault.
///
/// # Safety
/// The range is page-aligned, part of a mapping of the caller's, and unused.
pub(crate) unsafe fn protect(start: *mut u8, bytes: usize) -> io::Result<()> {
    failpoint::check(Call::Protect)?;
    // SAFETY: the caller owns the pages, and nothing in them is used.
    succeed(unsafe { libc::mprotect(start.cast::<c_void>(), bytes, libc::PROT_NONE) })
}

/// Asks for each page of a range whether it takes memory (`mincore(2)`):
/// `answer` has as many items as the range has pages.
///
/// # Safety
/// The range is page-aligned and part of a mapping of the caller's.
pub(crate) unsafe fn residence(start: *mut u8, answer: &mut [bool]) -> io::Result<()> {
    let (page, per_page) = (page_size(), answers_per_page());
    let mut bytes = [0_u8; 256];
    for (n, pages) in answer.chunks_mut(bytes.len() / per_page).enumerate() {
        let first = n * (bytes.len() / per_page) * page;
        let bytes = &mut bytes[..pages.len() * per_page];
        // SAFETY: some of the range's pages; `bytes` has room for what the
        // system answers about each of them.
        succeed(unsafe {
            libc::mincore(
                start.add(first).cast::<c_void>(),
                pages.len() * page,
                bytes.as_mut_ptr().cast(),
            )
        })?;
        for (resident, bytes) in pages.iter_mut().zip(bytes.chunks(per_page)) {
            *resident = bytes.iter().any(|byte| byte & 1 == 1);
        }
    }
    Ok(())
}

/// How many of the `pages` from `start` on take memory. If the system does not say, all of them.
///
/// # Safety
/// They are pages of a mapping of the caller's.
pub(crate) unsafe fn count_resident(start: *mut u8, pages: usize) -> usize {
    let page = page_size();
    let (mut count, mut answer) = (0, [false; 128]);
    for first in (0..pages).step_by(answer.len()) {
        let answer = &mut answer[..(pages - first).min(128)];
        // SAFETY: some of these pages.
        count += match unsafe { residence(start.add(first * page), answer) } {
            Ok(()) => answer.iter().filter(|resident| **resident).count(),
            Err(_) => answer.len(),
        };
    }
    count
}

/// How many bytes `mincore` answers about one page.
///
/// One, says the manual. An emulator whose host has smaller pages answers about
/// those (qemu-sparc64 7.2: two bytes, for the 4 KiB of the host). So it is tried.
fn answers_per_page() -> usize {
    static KNOWN: AtomicUsize = AtomicUsize::new(0);
    if KNOWN.load(Relaxed) == 0 {
        KNOWN.store(count_answers().unwrap_or(1), Relaxed);
    }
    KNOWN.load(Relaxed)
}

fn count_answers() -> Option<usize> {
    const UNTOUCHED: u8 = 0xA5;
    // Enough for a byte for each 512 of the largest page that any system has.
    let mut bytes = [UNTOUCHED; 128];
    let page = Mapping::new(page_size(), false).ok()?;
    // SAFETY: a page of this call's own, and more room than the answer takes.
    let answered = unsafe {
        libc::mincore(
            page.start().cast::<c_void>(),
            page.bytes(),
            bytes.as_mut_ptr().cast(),
        )
    };
    let answers = bytes.iter().take_while(|byte| **byte != UNTOUCHED).count();
    (answered == 0 && answers > 0).then_some(answers)
}

/// The page size of the running system, in bytes.
pub(crate) fn page_size() -> usize {
    // SAFETY: asks for a constant.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).expect("a page has a size")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mincore_answers_about_a_page() {
        // A byte; emulators, one for each of the host's pages.
        let answers = count_answers().expect("it is called as the manual says");
        assert!(page_size() / answers >= 4096, "{answers}");
        assert_eq!(answers_per_page(), answers);
    }
}
