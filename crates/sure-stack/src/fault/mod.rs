//! System calls that fail on purpose, in the tests of this crate.

#[cfg(test)]
mod inject;
#[cfg(not(test))]
mod null;

#[cfg(test)]
pub(crate) use inject::*;
#[cfg(not(test))]
pub(crate) use null::*;

/// What can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// `mmap`
    Map,
    /// `munmap`
    Unmap,
    /// `mprotect`
    Protect,
    /// `madvise`
    Advise,
}
