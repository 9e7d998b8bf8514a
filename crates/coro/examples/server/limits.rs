//! What the system allows, and how long.

#[cfg(unix)]
use std::io;

/// Connections and a handful more: standard streams, an epoll, a listener, pipes.
#[cfg(unix)]
const FURTHER_FILES: usize = 32;

/// Whatever happens, a process of this example ends after so many seconds.
const SECONDS: u32 = 120;

/// Nothing to raise: only Unix systems count files so.
#[cfg(not(unix))]
pub(crate) fn allow_open_files(_connections: usize) -> Result<(), String> {
    Ok(())
}

/// Has a thread end this process if it should wait for ever.
#[cfg(not(unix))]
pub(crate) fn end_by_itself() {
    std::thread::spawn(|| {
        std::thread::sleep(std::time::Duration::from_secs(SECONDS.into()));
        std::process::abort();
    });
}

/// Raises the soft limit of open files as far as `connections` need it.
#[cfg(unix)]
pub(crate) fn allow_open_files(connections: usize) -> Result<(), String> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    let needed = (connections + FURTHER_FILES) as libc::rlim_t;
    // SAFETY: writes one `rlimit`, which is there.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Err(format!("getrlimit: {}", io::Error::last_os_error()));
    }
    if limit.rlim_cur >= needed {
        return Ok(());
    }
    if limit.rlim_max < needed {
        return Err(format!(
            "{connections} connections take {needed} open files, and the system allows {} \
             (`ulimit -Hn`): ask for fewer with --connections",
            limit.rlim_max
        ));
    }
    limit.rlim_cur = needed;
    // SAFETY: reads one `rlimit`, which is there.
    match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } {
        0 => Ok(()),
        _ => Err(format!("setrlimit: {}", io::Error::last_os_error())),
    }
}

/// Has the system end this process if it should wait for ever.
#[cfg(unix)]
pub(crate) fn end_by_itself() {
    // SAFETY: sets a timer, whose signal has its default action.
    unsafe { libc::alarm(SECONDS) };
}
