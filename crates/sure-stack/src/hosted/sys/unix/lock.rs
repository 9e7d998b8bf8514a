//! The locks of the process: what they protect is changed by threads that have
//! just called, or are about to call, into the kernel's own lock on the address
//! space.
//!
//! They are the C library's because they have to be held across a `fork`:
//! otherwise a child might inherit one from a thread that the child does not have.

use crate::hosted::sys::failpoint::{self, Call};
use core::cell::{Cell, UnsafeCell};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A lock of the process.
pub(crate) struct Lock(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a mutex is made to be shared, and never moves out of its static.
unsafe impl Sync for Lock {}

/// Held while a thread changes an [`Index`](crate::hosted::index::Index).
pub(crate) static INDEX: Lock = Lock::new();
/// Held while a thread takes stacks from arenas or puts them back. Its holder may
/// take [`INDEX`]; not the other way round.
pub(crate) static ARENAS: Lock = Lock::new();

/// How many forks, one after the other, lie between the first process and this one.
static GENERATION: AtomicUsize = AtomicUsize::new(0);

/// A number that a forked child does not share with its parent.
pub(crate) fn generation() -> usize {
    GENERATION.load(Ordering::Relaxed)
}

impl Lock {
    const fn new() -> Lock {
        Lock(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER))
    }

    /// Calls `f`, which does not take this lock, while no other thread is in such a call.
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

thread_local! {
    /// How many of the registered handlers have run for the fork that this thread makes.
    static HANDLERS: Cell<usize> = const { Cell::new(0) };
}

extern "C" fn lock_all() {
    if HANDLERS.replace(HANDLERS.get() + 1) == 0 {
        ARENAS.lock();
        INDEX.lock();
    }
}

extern "C" fn unlock_all() {
    HANDLERS.set(HANDLERS.get() - 1);
    if HANDLERS.get() == 0 {
        INDEX.unlock();
        ARENAS.unlock();
    }
}

extern "C" fn unlock_all_in_the_child() {
    if HANDLERS.get() == 1 {
        GENERATION.fetch_add(1, Ordering::Relaxed);
    }
    unlock_all();
}

/// From now on no other thread holds a lock when the process forks.
///
/// A lock is taken only after the handlers are registered. Threads that arrive
/// before the first registration is through register them as well, rather than
/// wait: a child of a fork in that moment would wait for ever. So the handlers
/// may be called several times for one fork, and count.
fn outlive_fork() {
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.load(Ordering::Acquire) {
        return;
    }
    if failpoint::check(Call::AtFork).is_ok() {
        // Without memory for it the system refuses, and a fork is as it was.
        // SAFETY: functions of this program, which live as long as it does.
        unsafe {
            libc::pthread_atfork(
                Some(lock_all),
                Some(unlock_all),
                Some(unlock_all_in_the_child),
            )
        };
    }
    DONE.store(true, Ordering::Release);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_locks_are_held_across_a_fork() {
        lock_all();
        // The same handlers, registered a second time.
        lock_all();
        let held = |lock: &Lock| {
            // SAFETY: an initialised mutex, which is unlocked by the thread that has locked it.
            let got = unsafe { libc::pthread_mutex_trylock(lock.0.get()) } == 0;
            if got {
                lock.unlock();
            }
            !got
        };
        let others = std::thread::spawn(move || [held(&ARENAS), held(&INDEX)]);
        unlock_all();
        // A lock is of the thread, so nothing here asserts while it is held.
        let all_along = others.join();
        unlock_all();
        assert_eq!(all_along.unwrap(), [true, true]);
    }
}
