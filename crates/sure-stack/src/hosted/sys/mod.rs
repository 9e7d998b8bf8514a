//! The operating system: every call into it, or into the C library, is in this
//! folder. A call that can deny a stack its memory asks [`failpoint`] first, so that a
//! test can make any of them fail.
//!
//! There is a folder for each family of systems, with the same items:
//!
//! | module | what it has |
//! |---|---|
//! | `memory` | mappings: made, protected, advised about, asked about |
//! | `limits` | what a process may have, and has |
//! | `lock` | the locks of the process, and how often it has forked |
//! | `thread` | the calling thread: the bounds of its stack; on Unix its number and name |
//! | `signal`, `process` | on Unix: handlers, their stacks, and the end of the process |
//! | `file`, `helper` | on Linux: `/proc`, and a process that shares this one's memory |
//!
//! What all Unix systems do alike is in `unix`. The facts about systems that are numbers
//! are in [`target`](crate::hosted::target), with their sources.

pub(crate) mod failpoint;

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
    /// Make the pages now, as if each were written to (Linux 5.14).
    PopulateWrite,
    /// No such advice: a system that takes it does not mean what it says.
    Bogus,
}

#[cfg(unix)]
mod unix;

#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "linux/mod.rs")]
#[cfg_attr(
    any(target_vendor = "apple", target_os = "freebsd"),
    path = "bsd/mod.rs"
)]
#[cfg_attr(windows, path = "windows/mod.rs")]
#[cfg_attr(
    not(any(
        target_os = "linux",
        target_os = "android",
        target_vendor = "apple",
        target_os = "freebsd",
        windows
    )),
    path = "unknown.rs"
)]
mod system;

pub(crate) use system::*;
