//! The locks of the process: what they protect is changed by those who have
//! just called, or are about to call, into the kernel's own lock on the address
//! space.
//!
//! They are the C library's because they have to be held across a `fork`:
//! otherwise a child might inherit one from a thread that the child does not have.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

/// A lock of the process.
pub(crate) struct Lock(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a mutex is made to be shared, and never moves out of its static.
unsafe impl Sync for Lock {}

/// Of those who change an [`Index`](crate::index::Index).
pub(crate) static INDEX: Lock = Lock::new();
/// Of those who take stacks from arenas and put them back. Who holds it may
/// take [`INDEX`]; not the other way round.
pub(crate) static ARENAS: Lock = Lock::new();

impl Lock {
    const fn new() -> Lock {
        Lock(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER))
    }

    /// Calls `f`, which does not take this lock, while nobody else is in such a call.
    pub(crate) fn locked<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Unlock<'a>(&'a Lock);
        impl Drop for Unlock<'_> {
            fn drop(&mut self) {
                self.0.unlock();
            }
        }
        outlive_fork();
        self.lock();
        let _unlock = Unlock(self);
        f()
    }

    fn lock(&self) {
        // SAFETY: an initialised mutex, which its holder does not lock again.
        unsafe { libc::pthread_mutex_lock(self.0.get()) };
    }

    fn unlock(&self) {
        // SAFETY: this thread holds it; so does a forked child, whose only
        // thread is a copy of the one that forked.
        unsafe { libc::pthread_mutex_unlock(self.0.get()) };
    }
}

extern "C" fn lock_all() {
    ARENAS.lock();
    INDEX.lock();
}

extern "C" fn unlock_all() {
    INDEX.unlock();
    ARENAS.unlock();
}

/// From now on nobody else holds a lock when the process forks.
fn outlive_fork() {
    static DONE: AtomicBool = AtomicBool::new(false);
    if !DONE.load(Ordering::Relaxed) && !DONE.swap(true, Ordering::Relaxed) {
        // Without memory for it the system refuses, and a fork is as it was.
        // SAFETY: functions of this program, which live as long as it does.
        unsafe { libc::pthread_atfork(Some(lock_all), Some(unlock_all), Some(unlock_all)) };
    }
}
