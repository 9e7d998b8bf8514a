//! What all Unix systems do alike.

pub(crate) mod lock;
pub(crate) mod memory;
pub(crate) mod process;
pub(crate) mod signal;
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

/// How many bytes of address space the process may have, if that is limited.
pub(crate) fn address_space() -> Option<u64> {
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
        clippy::unnecessary_cast,
        reason = "rlim_t is 32 bits on some targets, and has a sign on others"
    )]
    Some(limit.rlim_cur as u64)
}
