//! What `coro` needs of the system for its own diagnostics, and `coro-dynamic` of the tools that watch it. It is
//! for these crates alone, and changes without notice.

use super::{sys, valgrind};
use core::ffi::c_int;
use std::io::{self, PipeWriter};

/// The kernel's number of the calling thread.
pub fn kernel_thread() -> u32 {
    sys::thread::number().unsigned_abs()
}

/// Whether memcheck runs the program.
pub fn is_memcheck() -> bool {
    valgrind::is_memcheck()
}

/// The signal that asks a program where it is: `SIGQUIT`, which a terminal sends for Ctrl-\\.
#[cfg(unix)]
pub const ASK: c_int = libc::SIGQUIT;
/// There is none.
#[cfg(not(unix))]
pub const ASK: c_int = 0;

/// Makes a signal write a byte into a pipe, from now on, instead of its default action.
///
/// # Errors
/// [`AlreadyExists`](io::ErrorKind::AlreadyExists) if the signal has a handler or is ignored, which
/// stays so; [`Unsupported`](io::ErrorKind::Unsupported) where there are no such signals; and what the
/// system says, if there is no such signal or it cannot be handled.
pub fn write_on_signal(signal: c_int, pipe: PipeWriter) -> io::Result<()> {
    #[cfg(unix)]
    return sys::wake::on_signal(signal, pipe);
    #[cfg(not(unix))]
    {
        let _ = (signal, pipe);
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_thread_is_the_kernels() {
        let number = || {
            let link = std::fs::read_link("/proc/thread-self").unwrap();
            link.file_name().unwrap().to_str().unwrap().parse()
        };
        assert_eq!(Ok(kernel_thread()), number());
        let (ours, its) = std::thread::spawn(move || (kernel_thread(), number()))
            .join()
            .unwrap();
        assert_eq!(Ok(ours), its);
    }
}
