//! System calls that fail on purpose, in the tests of this crate. (Of those on Unix, where they
//! fail with an `errno`.)

#[cfg(all(test, unix))]
#[path = "inject.rs"]
mod backend;
#[cfg(not(all(test, unix)))]
#[path = "null.rs"]
mod backend;

pub(crate) use backend::check;
#[cfg(all(test, unix))]
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
    #[cfg(unix)]
    AtFork,
}
