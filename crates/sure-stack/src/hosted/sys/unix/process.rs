//! The end of the process, and its last words. All of it may be called by a signal handler.

use core::ffi::c_int;

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
pub(crate) fn write_to_standard_error(bytes: &[u8]) {
    write(libc::STDERR_FILENO, bytes);
}

fn write(file: c_int, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the bytes are readable.
        let written = unsafe { libc::write(file, bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(written) {
            Ok(written) if written > 0 => bytes = bytes.get(written..).unwrap_or_default(),
            Err(_) if std::io::Error::last_os_error().raw_os_error() == Some(libc::EINTR) => {}
            _ => break,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::MaybeUninit;
    use core::ptr;
    use std::io::{Read, pipe};
    use std::os::fd::AsRawFd;
    use std::os::unix::thread::JoinHandleExt;
    use std::thread;
    use std::time::Duration;

    extern "C" fn do_nothing(_: c_int) {}

    #[test]
    fn signals_lose_nothing_of_a_message() {
        // SAFETY: all zeros is an action: no flags, above all not `SA_RESTART`, and nothing blocked.
        let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        action.sa_sigaction = do_nothing as *const () as usize;
        // SAFETY: a handler that does nothing, of a signal that is ignored by default.
        let set = unsafe { libc::sigaction(libc::SIGURG, &action, ptr::null_mut()) };
        assert_eq!(set, 0);
        let (mut reader, writer) = pipe().unwrap();
        let message: Vec<u8> = (0..1 << 20).map(|n: u32| (n / 1000) as u8).collect();
        let copy = message.clone();
        let writing = thread::spawn(move || write(writer.as_raw_fd(), &copy));
        // The first one finds it where it has written as much as the pipe holds, the next ones where
        // it has written nothing.
        for _ in 0..5 {
            thread::sleep(Duration::from_millis(5));
            // SAFETY: the thread has not been joined.
            unsafe { libc::pthread_kill(writing.as_pthread_t() as _, libc::SIGURG) };
        }
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        writing.join().unwrap();
        assert!(read == message, "{} bytes", read.len());
    }

    #[test]
    fn what_cannot_be_written_is_lost() {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        write(writer.as_raw_fd(), b"EPIPE");
    }
}
