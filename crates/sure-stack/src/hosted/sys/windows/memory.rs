//! Memory: VirtualAlloc, VirtualProtect, VirtualFree.
//!
//! All of a mapping is committed, so it counts against what the system has promised from the
//! beginning; a page takes memory when it is first touched.

use crate::hosted::sanitizer;
pub(crate) use crate::hosted::sys::Advice;
use crate::hosted::sys::failpoint::{self, Call};
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};
use std::io;

// `winnt.h`, as the Windows SDK's metadata has it (the crate `windows-sys`, `Win32::System::Memory`)
const MEM_COMMIT: u32 = 0x1000;
const MEM_RESERVE: u32 = 0x2000;
const MEM_RELEASE: u32 = 0x8000;
const PAGE_NOACCESS: u32 = 0x01;
const PAGE_READWRITE: u32 = 0x04;

/// `SYSTEM_INFO` of `sysinfoapi.h`.
#[repr(C)]
struct SystemInfo {
    processor_architecture: u32,
    page_size: u32,
    lowest_address: *mut c_void,
    highest_address: *mut c_void,
    processor_mask: usize,
    processors: u32,
    processor_type: u32,
    allocation_granularity: u32,
    processor_level: u16,
    processor_revision: u16,
}

#[link(name = "kernel32")]
unsafe extern "system" {
    fn VirtualAlloc(address: *mut c_void, bytes: usize, kind: u32, access: u32) -> *mut c_void;
    fn VirtualFree(address: *mut c_void, bytes: usize, kind: u32) -> i32;
    fn VirtualProtect(address: *mut c_void, bytes: usize, access: u32, before: *mut u32) -> i32;
    fn GetSystemInfo(info: *mut SystemInfo);
}

/// Private memory of the process, freed when dropped.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the memory is owned, and may be used and freed from any thread.
unsafe impl Send for Mapping {}
// SAFETY: through a shared reference only the bounds can be read.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Memory that is taken page by page, as it is touched. Large pages are not the system's own
    /// choice here, so it makes no difference what they are wanted for.
    pub(crate) fn new(bytes: usize, _huge: bool) -> io::Result<Mapping> {
        failpoint::check(Call::Map)?;
        let kind = MEM_RESERVE | MEM_COMMIT;
        // SAFETY: asks for fresh memory.
        let start = unsafe { VirtualAlloc(ptr::null_mut(), bytes, kind, PAGE_READWRITE) };
        let start = NonNull::new(start.cast()).ok_or_else(io::Error::last_os_error)?;
        Ok(Mapping { start, bytes })
    }

    /// The lowest address; it lies at a page's beginning.
    pub(crate) fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // Where the system refuses, the addresses are lost; nothing else is.
        if failpoint::check(Call::Unmap).is_ok() {
            sanitizer::unmapped(self.start(), self.bytes);
            // SAFETY: allocated by `new`, all of it, and freed once, here.
            unsafe { VirtualFree(self.start.as_ptr().cast(), 0, MEM_RELEASE) };
        }
    }
}

/// Nothing that the system is told about pages here makes them read as zeros, or faults.
///
/// # Safety
/// The range is page-aligned and part of a mapping of the caller's, and nothing
/// that the advice takes away from its contents is needed.
pub(crate) unsafe fn advise(_start: *mut u8, _bytes: usize, _advice: Advice) -> io::Result<()> {
    failpoint::check(Call::Advise)?;
    Err(io::ErrorKind::Unsupported.into())
}

/// Makes every access to whole pages fault.
///
/// # Safety
/// The range is page-aligned, part of a mapping of the caller's, and unused.
pub(crate) unsafe fn protect(start: *mut u8, bytes: usize) -> io::Result<()> {
    failpoint::check(Call::Protect)?;
    let mut before = 0;
    // SAFETY: the caller owns the pages, and nothing in them is used.
    match unsafe { VirtualProtect(start.cast(), bytes, PAGE_NOACCESS, &mut before) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Which pages take memory is not asked here.
///
/// # Safety
/// The range is page-aligned and part of a mapping of the caller's.
pub(crate) unsafe fn residence(_start: *mut u8, _answer: &mut [bool]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// How many of the `pages` from `start` on may take memory: all of them.
///
/// # Safety
/// They are pages of a mapping of the caller's.
pub(crate) unsafe fn count_resident(_start: *mut u8, pages: usize) -> usize {
    pages
}

/// The system has no such call.
///
/// # Safety
/// None needed.
pub(crate) unsafe fn advise_each(_: &[*mut u8], _: usize, _: Advice) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether the system itself can write to a page. No guard but a protected one exists here, so
/// every page that is asked about can be written to.
///
/// # Safety
/// `page` is a page of a mapping of the caller's, with nothing alive in it.
pub(crate) unsafe fn is_writable(_page: *mut u8) -> bool {
    true
}

/// The page size of the running system, in bytes.
pub(crate) fn page_size() -> usize {
    let mut info = MaybeUninit::uninit();
    // SAFETY: the structure can be written, and is read once the system has done so.
    let info: SystemInfo = unsafe {
        GetSystemInfo(info.as_mut_ptr());
        info.assume_init()
    };
    info.page_size as usize
}
