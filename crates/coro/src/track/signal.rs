//! A dump when a signal asks for it.
//!
//! The handler writes a byte into a pipe, and does nothing else: whatever it has interrupted goes on.
//! A thread of ours waits for that byte and asks all others. So a program says where it is even if
//! none of its threads comes to a safe point.

use super::dump_all;
use core::ffi::c_int;
use core::time::Duration;
use std::io::{self, Read, Write};
use std::string::String;
use std::thread;
use std::vec::Vec;

/// How long threads have to come to a safe point.
const LIMIT: Duration = Duration::from_secs(1);

/// From now on, writes a [`dump_all`] to standard error whenever the process gets this signal.
///
/// The program goes on meanwhile. Threads have a second to come to a [safe point](super::checkpoint).
/// A thread of its own waits for the signal, without using the processor.
///
/// The handler is installed with `SA_RESTART`: most system calls go on after it. Some do not, after any
/// handler (`epoll_wait`, `poll`, `nanosleep`: see signal(7)), and fail with `EINTR`;
/// the standard library and well-behaved loops try again.
///
/// ```no_run
/// // Then, from a shell: kill -USR1 <process>
/// # #[cfg(target_os = "linux")]
/// coro::track::dump_on_signal(10)?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// - [`AlreadyExists`](io::ErrorKind::AlreadyExists) if the signal has a handler or is ignored.
///   That stays so.
/// - What the system says, if there is no such signal, and if there is no pipe or no thread to be had.
pub fn dump_on_signal(signal: c_int) -> io::Result<()> {
    let (mut asked, ask) = io::pipe()?;
    sure_stack::internal::write_on_signal(signal, ask)?;
    let dump = move || {
        let mut questions = [0; 64];
        // Several signals that come at once are one question.
        while let Ok(1..) = asked.read(&mut questions) {
            let mut text = Vec::new();
            let written = dump_all(&mut text, LIMIT);
            if text.is_empty() {
                text.extend_from_slice(b"no tracked coroutines\n");
            }
            // Without a standard error there is no place for it.
            let _ = written.and_then(|()| io::stderr().write_all(&text));
        }
    };
    thread::Builder::new()
        .name(String::from("coroutine dumps"))
        .spawn(dump)
        .map(drop)
}
