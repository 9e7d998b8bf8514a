//! Any target with the standard library: each execution is a thread of the
//! system, and all of them but one are parked.
//!
//! A switch hands its word to another thread and waits until a thread hands one
//! back, so exactly one execution of a group runs at a time, and everything that
//! it wrote happens before what the next one reads. A context is the address of an
//! [`Execution`].
//!
//! What differs from the other backends, because the system owns the stacks:
//! - The memory given to [`prepare`](crate::prepare) stays unused. [`stack_pointer`]
//!   shows its high end while the execution runs, so code can still tell on which
//!   stack it stands, but not how much of it is in use.
//! - Thread-locals, `thread::panicking()` and backtraces belong to the execution,
//!   and a walk of the stack ends at its root.
//! - A context that is dropped leaves a thread parked for ever, and so does
//!   [`exit_to`], which cannot return through the caller's frames. A
//!   [`Departure`](crate::Departure) ends the thread.
//! - In a forked child only the thread that forked is left: continuing an
//!   execution that was made before the fork panics there.

use super::{Entry, EntryBelow, Landing};
use crate::Word;
use core::cell::Cell;
use core::mem::size_of;
use core::ptr;
use std::panic::panic_any;
use std::string::String;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::{format, process};

pub(crate) const STACK_ALIGNMENT: usize = 16;

/// The frames of an execution are on its thread's stack.
pub(crate) const BYTES_BELOW: usize = 0;

/// The return address that ends a walk of the stack.
pub(crate) const END_OF_WALK: usize = 0;

pub(crate) const FIRST_FRAME: usize = 0;

/// Bytes of stack for each thread. How large the given memory is, a first frame is
/// not told; of these, only pages that are touched take memory.
const THREAD_STACK: usize = if size_of::<usize>() >= 8 {
    128 << 20
} else {
    1 << 20
};

/// Where an execution that has ended goes on: the context, the word, the signal.
#[repr(C)]
pub(crate) struct Left {
    to: usize,
    word: Word,
    signal: usize,
}

/// A thread that runs, or waits for the word with which it is to go on.
struct Execution {
    /// What it shows as its stack pointer: the high end of the memory that it
    /// was given. 0 for a thread that was not started here.
    top: usize,
    /// The process that has this thread.
    process: u32,
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
enum First {
    /// `(from, word, signal, object)`.
    Root(Entry, *mut u8),
    /// `(from, object)`.
    Below(EntryBelow, *mut u8),
}

// SAFETY: the object is used by the new thread alone, while the others are parked.
unsafe impl Send for First {}

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
            process: process::id(),
            mailbox: Mutex::new(None),
            delivered: Condvar::new(),
            thread: Mutex::new(None),
        })
    }

    /// The execution that the caller is.
    fn current() -> *const Execution {
        let known = CURRENT.get();
        if !known.is_null() {
            return known;
        }
        let new = Arc::into_raw(Execution::new(0));
        CURRENT.set(new);
        // Where the thread's destructors have run already, it is leaked.
        let _ = FOREIGN.try_with(|foreign| foreign.0.set(new));
        new
    }

    /// Starts a thread that waits for its first message and then calls `first`.
    fn start(top: usize, first: First) -> *const Execution {
        let execution = Execution::new(top);
        let inside = Arc::clone(&execution);
        let started = thread::Builder::new()
            .name(String::from("execution"))
            .stack_size(THREAD_STACK)
            .spawn(move || inside.run(first));
        match started {
            Ok(thread) => *lock(&execution.thread) = Some(thread),
            Err(error) => panic_any(format!(
                "no thread could be started for a new execution ({error}): the portable backend \
                 of sure-context needs one for each, and the system limits their number"
            )),
        }
        Arc::into_raw(execution)
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
        let landing = Landing {
            from: 0,
            word,
            signal,
        };
        let ended = Some(Ended {
            execution: self,
            thread,
        });
        // SAFETY: the context of the departure is continued once (`Trampoline::run`).
        unsafe { deliver(to, Message { landing, ended }) };
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

/// Continues a suspended execution with a message.
///
/// # Safety
/// `to` is the context of an execution that nothing else continues.
unsafe fn deliver(to: usize, message: Message) {
    let to = ptr::with_exposed_provenance::<Execution>(to);
    // SAFETY: a suspended execution is alive; the count keeps it so until the
    // mailbox is unlocked, even if it goes on and ends at once.
    let to = unsafe {
        Arc::increment_strong_count(to);
        Arc::from_raw(to)
    };
    assert_eq!(
        to.process,
        process::id(),
        "an execution from before a fork was continued in the child, where its thread does not exist"
    );
    *lock(&to.mailbox) = Some(message);
    to.delivered.notify_one();
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What it guards is never left half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Suspends the caller, continues `to`, and waits.
///
/// # Safety
/// As for [`deliver`].
unsafe fn exchange(to: usize, from: *const Execution, word: Word, signal: usize) -> Landing {
    let landing = Landing {
        from: from.expose_provenance(),
        word,
        signal,
    };
    let ended = None;
    // SAFETY: the caller promises that nothing else continues `to`.
    unsafe { deliver(to, Message { landing, ended }) };
    // SAFETY: the calling thread's own execution is alive.
    unsafe { (*from).wait() }
}

/// # Safety
/// `object` is what `entry` expects, and stays where it is.
pub(crate) unsafe fn prepare(top: *mut u8, entry: Entry, object: *mut u8) -> usize {
    Execution::start(top.addr(), First::Root(entry, object)).expose_provenance()
}

/// # Safety
/// `context` is that of a suspended execution.
pub(crate) unsafe fn stack_pointer_of(context: usize) -> *mut u8 {
    // SAFETY: a suspended execution is alive.
    let top = unsafe { (*ptr::with_exposed_provenance::<Execution>(context)).top };
    ptr::with_exposed_provenance_mut(top)
}

/// # Safety
/// `to` is the context of an execution that nothing has continued yet; `link`
/// may be written.
pub(crate) unsafe fn resume(to: usize, link: *mut u8, word: Word, signal: usize) -> Landing {
    let from = Execution::current();
    // SAFETY: the caller promises that the link may be written; its first field is the resumer.
    unsafe { link.cast::<usize>().write(from.expose_provenance()) };
    // SAFETY: the caller promises that nothing else continues `to`.
    unsafe { exchange(to, from, word, signal) }
}

/// # Safety
/// `to` is the context of an execution that nothing has continued yet.
pub(crate) unsafe fn switch(to: usize, word: Word, signal: usize) -> Landing {
    // SAFETY: the caller promises that nothing else continues `to`.
    unsafe { exchange(to, Execution::current(), word, signal) }
}

/// # Safety
/// `entry` expects `object`.
pub(crate) unsafe fn descend(top: usize, entry: EntryBelow, object: Word) -> Landing {
    // SAFETY: `descend` sends a pointer.
    let object = unsafe { object.as_ptr() };
    let below = Execution::start(top, First::Below(entry, object)).expose_provenance();
    // SAFETY: fresh, and continued here only.
    unsafe { exchange(below, Execution::current(), Word::EMPTY, 0) }
}

/// # Safety
/// `to` is the context of an execution that nothing has continued yet. The
/// frames of the caller are never returned to.
pub(crate) unsafe fn exit_to(to: usize, word: Word, signal: usize) -> ! {
    let landing = Landing {
        from: 0,
        word,
        signal,
    };
    let ended = None;
    // SAFETY: the caller promises that nothing else continues `to`.
    unsafe { deliver(to, Message { landing, ended }) };
    loop {
        thread::park();
    }
}

/// # Safety
/// As for [`exit_to`]; the caller returns to the root at once.
pub(crate) unsafe fn leave(to: usize, word: Word, signal: usize) -> Left {
    Left { to, word, signal }
}

/// The same for all: no frame record leads anywhere.
pub(crate) fn root_address() -> *const u8 {
    ptr::without_provenance(STACK_ALIGNMENT)
}

pub(crate) fn stack_pointer() -> *mut u8 {
    let marker = 0_u8;
    let here = (&raw const marker).expose_provenance();
    let current = CURRENT.get();
    let top = if current.is_null() {
        0
    } else {
        // SAFETY: the calling thread's own execution is alive.
        unsafe { (*current).top }
    };
    ptr::with_exposed_provenance_mut(if top == 0 {
        here
    } else {
        top - STACK_ALIGNMENT
    })
}

pub(crate) fn prefetch(_: *const u8) {}

pub(crate) fn opaque(value: usize) -> usize {
    core::hint::black_box(value)
}
