//! The operating system: every call into it, or into the C library, is in this
//! folder. A call that can deny a stack its memory asks [`failpoint`] first, so that a
//! test can make any of them fail.

pub(crate) mod failpoint;
pub(crate) mod file;
pub(crate) mod limits;
pub(crate) mod lock;
pub(crate) mod memory;
pub(crate) mod process;
pub(crate) mod signal;
pub(crate) mod thread;
pub(crate) mod wake;

use core::ffi::c_int;
use std::io;

/// The result of a call that returns 0, or -1 and sets `errno`.
fn succeed(result: c_int) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
