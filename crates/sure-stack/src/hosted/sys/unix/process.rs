//! The end of the process, and its last words. All of it may be called by a signal handler.

/// Ends the process with `SIGABRT`.
pub(crate) fn abort() -> ! {
    // SAFETY: may be called anywhere.
    unsafe { libc::abort() }
}

/// Waits until another thread has ended the process.
pub(crate) fn wait_for_the_end() -> ! {
    loop {
        // SAFETY: may be called anywhere.
        unsafe { libc::pause() };
    }
}

/// Writes to standard error; what cannot be written is lost.
pub(crate) fn write_to_standard_error(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the bytes are readable.
        let written =
            unsafe { libc::write(libc::STDERR_FILENO, bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(written) {
            Ok(written) if written > 0 => bytes = bytes.get(written..).unwrap_or_default(),
            Err(_) if std::io::Error::last_os_error().raw_os_error() == Some(libc::EINTR) => {}
            _ => break,
        }
    }
}
