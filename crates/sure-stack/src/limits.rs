//! Which limit of the process or the machine stands behind an `ENOMEM`.

use crate::map_count;
use core::fmt;
use std::ffi::CStr;
use std::io;

/// The likely reason why the operating system refused memory. It is found
/// without allocating, because memory is what has just run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// The process has an address-space limit (`ulimit -v`), in bytes.
    AddressSpace(u64),
    /// `vm.overcommit_memory` is 2: every mapping must be backed by memory and swap.
    Overcommit,
    /// `vm.max_map_count`: how many mappings a process may have. A stack with
    /// a protected guard takes two.
    MapCount(u64),
    /// The process locks its memory (`mlockall`), and may not lock more.
    LockedMemory,
    /// None of these: memory itself, or address space.
    Unknown,
}

impl Limit {
    /// What is likely to stand behind an error.
    pub(crate) fn behind(error: &io::Error) -> Limit {
        // `mmap(2)`: too much memory has been locked.
        if error.raw_os_error() == Some(libc::EAGAIN) {
            Limit::LockedMemory
        } else {
            Limit::likely()
        }
    }

    /// Reads the limits in the order in which they are likely to be met.
    fn likely() -> Limit {
        if let Some(bytes) = address_space_limit() {
            Limit::AddressSpace(bytes)
        } else if read_number(c"/proc/sys/vm/overcommit_memory") == Some(2) {
            Limit::Overcommit
        } else if let Some(maps) = map_count::is_near_limit() {
            Limit::MapCount(maps)
        } else {
            Limit::Unknown
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::AddressSpace(bytes) => {
                write!(
                    f,
                    "the address space is limited to {bytes} bytes: raise `ulimit -v`"
                )
            }
            Limit::Overcommit => f.write_str(
                "vm.overcommit_memory is 2, which counts every untouched page: set it to 0 or 1, \
                 or use smaller stacks",
            ),
            Limit::MapCount(maps) => write!(
                f,
                "a process may have {maps} mappings, two for each stack: raise vm.max_map_count"
            ),
            Limit::LockedMemory => {
                f.write_str("the process locks all of its memory: raise `ulimit -l`")
            }
            Limit::Unknown => f.write_str("memory or address space has run out"),
        }
    }
}

/// `vm.max_map_count`: how many mappings a process may have.
pub(crate) fn map_count() -> Option<u64> {
    read_number(c"/proc/sys/vm/max_map_count")
}

fn address_space_limit() -> Option<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is writable.
    let failed = unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) } != 0;
    if failed || limit.rlim_cur == libc::RLIM_INFINITY {
        return None;
    }
    #[allow(
        clippy::useless_conversion,
        reason = "rlim_t is 32 bits on some targets"
    )]
    Some(limit.rlim_cur.into())
}

/// The decimal number at the beginning of a small file.
fn read_number(path: &CStr) -> Option<u64> {
    let mut text = [0_u8; 24];
    // SAFETY: the path is a C string; the file is closed below.
    let file = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if file < 0 {
        return None;
    }
    // SAFETY: `text` is writable for its length.
    let read = unsafe { libc::read(file, text.as_mut_ptr().cast(), text.len()) };
    // SAFETY: opened above, and closed once.
    unsafe { libc::close(file) };
    let text = text.get(..usize::try_from(read).ok()?)?;
    core::str::from_utf8(text).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_files() {
        assert!(read_number(c"/proc/sys/vm/max_map_count").is_some_and(|n| n > 100));
        assert_eq!(read_number(c"/proc/version"), None, "no number");
        assert_eq!(read_number(c"/nowhere"), None, "no file");
    }
}
