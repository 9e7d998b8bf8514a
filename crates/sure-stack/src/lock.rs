//! The lock of those who change an [`Index`](crate::index::Index).
//!
//! One for the process: whoever takes it has just called, or is about to call,
//! into the kernel's own lock on the address space. The lock is the C
//! library's because it has to be held across a `fork`: otherwise a child
//! might inherit it from a thread that the child does not have.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

struct Mutex(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a mutex is made to be shared, and never moves.
unsafe impl Sync for Mutex {}

static MUTEX: Mutex = Mutex(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));

/// Calls `f`, which does not panic, while nobody else is in such a call.
pub(crate) fn locked<R>(f: impl FnOnce() -> R) -> R {
    outlive_fork();
    lock();
    let result = f();
    unlock();
    result
}

extern "C" fn lock() {
    // SAFETY: an initialised mutex, which its holder does not lock again.
    unsafe { libc::pthread_mutex_lock(MUTEX.0.get()) };
}

extern "C" fn unlock() {
    // SAFETY: this thread holds it; so does a forked child, whose only thread
    // is a copy of the one that forked.
    unsafe { libc::pthread_mutex_unlock(MUTEX.0.get()) };
}

/// From now on nobody else holds the lock when the process forks.
fn outlive_fork() {
    static DONE: AtomicBool = AtomicBool::new(false);
    if !DONE.load(Ordering::Relaxed) && !DONE.swap(true, Ordering::Relaxed) {
        // Without memory for it the system refuses, and a fork is as it was.
        // SAFETY: functions of this program, which live as long as it does.
        unsafe { libc::pthread_atfork(Some(lock), Some(unlock), Some(unlock)) };
    }
}
