//! System calls that fail on purpose, in the tests of this crate.

#[cfg(test)]
#[path = "inject.rs"]
mod backend;
#[cfg(not(test))]
#[path = "null.rs"]
mod backend;

pub(crate) use backend::check;
#[cfg(test)]
pub(crate) use backend::{Calls, during};

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
    /// `pthread_atfork`
    AtFork,
}
