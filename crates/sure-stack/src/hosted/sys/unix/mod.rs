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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_fails_has_an_error() {
        assert!(succeed(0).is_ok());
        // SAFETY: no descriptor has this number; `close` fails, and sets `errno`.
        let error = succeed(unsafe { libc::close(-1) }).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    }

    /// As the system shows it: proc_pid_limits(5).
    #[cfg(target_os = "linux")]
    #[test]
    fn the_limit_of_the_address_space_is_the_systems() {
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
        let line = limits
            .lines()
            .find_map(|line| line.strip_prefix("Max address space"));
        let soft = line.unwrap().split_whitespace().next().unwrap();
        assert_eq!(address_space(), soft.parse().ok(), "{soft}");
    }
}
