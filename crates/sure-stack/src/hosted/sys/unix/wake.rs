//! A signal that wakes a thread, by way of a pipe (the self-pipe of signal-safety(7)).

use super::signal::exchange_action;
use crate::hosted::sys::lock;
use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::sync::atomic::AtomicI32;
use core::sync::atomic::Ordering::Relaxed;
use std::io::{self, PipeWriter};
use std::os::fd::IntoRawFd;

/// The largest number of a signal, and one more: 127 on MIPS, 64 elsewhere.
const SIGNALS: usize = 128;

/// For each signal the pipe into which its handler writes; -1 for none.
static PIPES: [AtomicI32; SIGNALS] = [const { AtomicI32::new(-1) }; SIGNALS];

/// See [`write_on_signal`](crate::internal::write_on_signal).
pub(crate) fn on_signal(signal: c_int, pipe: PipeWriter) -> io::Result<()> {
    let known = usize::try_from(signal)
        .ok()
        .and_then(|signal| PIPES.get(signal));
    let place = known.ok_or(io::ErrorKind::InvalidInput)?;
    lock::INDEX.locked(|| {
        // SAFETY: no action is given.
        let before = unsafe { exchange_action(signal, None) }?;
        if before.sa_sigaction != libc::SIG_DFL {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        place.store(pipe.into_raw_fd(), Relaxed);
        // SAFETY: all zeros is an action: no flags, an empty mask.
        let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        action.sa_sigaction = write_byte as *const () as usize;
        // On the alternate stack, because a coroutine's may have no room for the kernel's frame.
        action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
        // SAFETY: `write_byte` takes one argument, as is usual without `SA_SIGINFO`, and does
        // nothing but what handlers may do.
        unsafe { exchange_action(signal, Some(&action)) }.map(drop)
    })
}

extern "C" fn write_byte(signal: c_int) {
    let pipe = PIPES[signal as usize].load(Relaxed);
    // SAFETY: a byte that is readable. The pipe stays open: its writer was given up for this. It has
    // room, unless thousands of questions wait for an answer; and `errno` changes only if this fails.
    unsafe { libc::write(pipe, [0_u8].as_ptr().cast(), 1) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, pipe};

    #[test]
    fn a_signal_writes_a_byte_on_the_alternate_stack_and_interrupts_no_call() {
        // Ignored unless it has a handler.
        const SIGNAL: c_int = libc::SIGWINCH;
        let (mut reader, writer) = pipe().unwrap();
        on_signal(SIGNAL, writer.try_clone().unwrap()).unwrap();
        // SAFETY: no action is given.
        let flags = unsafe { exchange_action(SIGNAL, None) }.unwrap().sa_flags;
        assert_ne!(flags & libc::SA_RESTART, 0);
        assert_ne!(flags & libc::SA_ONSTACK, 0);
        // SAFETY: it has a handler.
        assert_eq!(unsafe { libc::raise(SIGNAL) }, 0);
        reader.read_exact(&mut [1]).unwrap();
        let again = on_signal(SIGNAL, writer.try_clone().unwrap());
        assert_eq!(again.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        let none = on_signal(-1, writer);
        assert_eq!(none.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
