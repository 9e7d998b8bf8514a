//! The threads of the portable backend: how one starts, waits, is continued, and ends.

use super::Left;
use crate::Word;
use crate::arch::{Entry, EntryBelow, Landing};
use core::cell::Cell;
use core::fmt;
use core::mem::size_of;
use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::string::String;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::{eprintln, io, process};

/// Bytes of stack for each thread. How large the given memory is, a first frame is
/// not told; of these, only pages that are touched take memory.
const THREAD_STACK: usize = if size_of::<usize>() >= 8 {
    128 << 20
} else {
    1 << 20
};

/// A thread that runs, or waits for the word with which it is to go on.
pub(super) struct Execution {
    /// What it shows as its stack pointer: the high end of the memory that it
    /// was given. 0 for a thread that was not started here.
    pub(super) top: usize,
    /// The process in which it was made, or suspended last: the one that has its thread.
    process: AtomicU32,
    mailbox: Mutex<Option<Message>>,
    delivered: Condvar,
    /// Its thread, once that is started and until it has ended.
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What one execution hands to the next.
struct Message {
    landing: Landing,
    /// The sender, if it ends with this: the receiver waits for its last destructors.
    ended: Option<Ended>,
}

struct Ended {
    execution: Arc<Execution>,
    thread: Option<JoinHandle<()>>,
}

// SAFETY: the pointers inside are for the one execution that runs next; the
// mailbox's lock orders the sender's accesses before the receiver's.
unsafe impl Send for Message {}

/// What a new thread calls.
pub(super) enum First {
    /// `(from, word, signal, object)`.
    Root(Entry, *mut u8),
    /// `(from, object)`.
    Below(EntryBelow, *mut u8),
}

// SAFETY: the object is used by the new thread alone, while the others are parked.
unsafe impl Send for First {}

/// The thread of an execution is that of another process, of which the caller's was forked.
#[derive(Debug)]
struct Forked;

impl fmt::Display for Forked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "an execution from before a fork was continued in the child, which has none of the other \
             threads: with the portable backend of sure-context, each execution is one",
        )
    }
}

std::thread_local! {
    /// The execution that this thread is; null until it first takes part in a switch.
    static CURRENT: Cell<*const Execution> = const { Cell::new(ptr::null()) };
    /// Frees the execution of a thread that was not started here.
    static FOREIGN: Foreign = const { Foreign(Cell::new(ptr::null())) };
}

struct Foreign(Cell<*const Execution>);

impl Drop for Foreign {
    fn drop(&mut self) {
        CURRENT.set(ptr::null());
        // SAFETY: `current` made it by `Arc::into_raw`. The thread ends, so it is
        // not suspended, and a context of it does not exist.
        drop(unsafe { Arc::from_raw(self.0.get()) });
    }
}

impl Execution {
    fn new(top: usize) -> Arc<Execution> {
        Arc::new(Execution {
            top,
            process: AtomicU32::new(process::id()),
            mailbox: Mutex::new(None),
            delivered: Condvar::new(),
            thread: Mutex::new(None),
        })
    }

    /// The execution that the caller is.
    pub(super) fn current() -> *const Execution {
        let known = Self::known();
        if !known.is_null() {
            return known;
        }
        let new = Arc::into_raw(Execution::new(0));
        CURRENT.set(new);
        // Where the thread's destructors have run already, it is leaked.
        let _ = FOREIGN.try_with(|foreign| foreign.0.set(new));
        new
    }

    /// The execution that the caller is, or null if it has taken part in no switch yet.
    pub(super) fn known() -> *const Execution {
        CURRENT.get()
    }

    /// Starts a thread that waits for its first message and then calls `first`.
    ///
    /// # Errors
    /// That of the system, if it has no thread.
    pub(super) fn start(top: usize, first: First) -> io::Result<*const Execution> {
        let execution = Execution::new(top);
        let inside = Arc::clone(&execution);
        let thread = thread::Builder::new()
            .name(String::from("execution"))
            .stack_size(THREAD_STACK)
            .spawn(move || inside.run(first))?;
        *lock(&execution.thread) = Some(thread);
        Ok(Arc::into_raw(execution))
    }

    /// What its thread does.
    fn run(self: Arc<Self>, first: First) {
        CURRENT.set(Arc::as_ptr(&self));
        let Landing { from, word, signal } = self.wait();
        let Left { to, word, signal } = match first {
            // SAFETY: the first resume has come, with what the entry expects.
            First::Root(entry, object) => unsafe { entry(from, word, signal, object) },
            // SAFETY: `descend` has suspended its caller and sent its context.
            First::Below(entry, object) => unsafe { entry(from, object) },
        };
        let thread = lock(&self.thread).take();
        let ended = Some(Ended {
            execution: self,
            thread,
        });
        // SAFETY: the context of the departure is continued once (`Trampoline::run`).
        unsafe { leave_for(to, word, signal, ended) };
    }

    /// Parks the calling thread, which this execution is, until it is continued.
    fn wait(&self) -> Landing {
        let mut mailbox = lock(&self.mailbox);
        let message = loop {
            match mailbox.take() {
                Some(message) => break message,
                None => {
                    let waited = self.delivered.wait(mailbox);
                    mailbox = waited.unwrap_or_else(PoisonError::into_inner);
                }
            }
        };
        drop(mailbox);
        if let Some(Ended { execution, thread }) = message.ended {
            if let Some(thread) = thread {
                // An entry is `extern "C"`: a panic in it has ended the process.
                let _ = thread.join();
            }
            // SAFETY: `start` has made this count by `Arc::into_raw` for the
            // context, which is used up: the execution has ended.
            unsafe { Arc::decrement_strong_count(Arc::as_ptr(&execution)) };
        }
        message.landing
    }
}

/// Suspends the caller, continues `to`, and waits.
///
/// # Panics
/// In a forked child, if `to` is from before the fork.
///
/// # Safety
/// As for [`deliver`]; `from` is the caller's own execution.
pub(super) unsafe fn exchange(
    to: usize,
    from: *const Execution,
    word: Word,
    signal: usize,
) -> Landing {
    // SAFETY: the calling thread's own execution is alive.
    let caller = unsafe { &*from };
    // A child that was forked in mid-execution goes on with this one, whose thread it has.
    caller.process.store(process::id(), Relaxed);
    let landing = Landing {
        from: from.expose_provenance(),
        word,
        signal,
    };
    let ended = None;
    // SAFETY: the caller promises that nothing else continues `to`.
    if let Err(forked) = unsafe { deliver(to, Message { landing, ended }) } {
        panic!("{forked}");
    }
    caller.wait()
}

/// Continues `to` for good. In a forked child in which it cannot be continued, nothing is left that could
/// run: the process is aborted.
///
/// # Safety
/// As for [`deliver`].
unsafe fn leave_for(to: usize, word: Word, signal: usize, ended: Option<Ended>) {
    let landing = Landing {
        from: 0,
        word,
        signal,
    };
    // SAFETY: the caller promises that nothing else continues `to`.
    if let Err(forked) = unsafe { deliver(to, Message { landing, ended }) } {
        eprintln!("{forked}");
        process::abort();
    }
}

/// As [`leave_for`], without an end: the caller's frames stay, and so does its thread.
///
/// # Safety
/// As for [`deliver`].
pub(super) unsafe fn exit_to(to: usize, word: Word, signal: usize) -> ! {
    // SAFETY: the caller promises that nothing else continues `to`.
    unsafe { leave_for(to, word, signal, None) };
    loop {
        thread::park();
    }
}

/// Continues a suspended execution with a message.
///
/// # Errors
/// [`Forked`] where its thread does not exist. Nothing has happened then: none of its locks was taken, which
/// a thread of the parent may have held.
///
/// # Safety
/// `to` is the context of an execution that nothing else continues.
unsafe fn deliver(to: usize, message: Message) -> Result<(), Forked> {
    let to = ptr::with_exposed_provenance::<Execution>(to);
    // SAFETY: a suspended execution is alive; the count keeps it so until the
    // mailbox is unlocked, even if it goes on and ends at once.
    let to = unsafe {
        Arc::increment_strong_count(to);
        Arc::from_raw(to)
    };
    if to.process.load(Relaxed) != process::id() {
        return Err(Forked);
    }
    *lock(&to.mailbox) = Some(message);
    to.delivered.notify_one();
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What it guards is never left half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
