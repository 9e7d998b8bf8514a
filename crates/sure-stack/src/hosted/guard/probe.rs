//! What `madvise` really does here.
//!
//! Its answer proves nothing: emulators answer "done" to any advice, and do
//! nothing. So each is tried once, on a page of its own, and looked at.

use crate::hosted::sys::memory::{Advice, Mapping, advise, advise_each, is_writable, page_size};
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Whether `MADV_GUARD_INSTALL` makes a page that cannot be accessed.
pub(crate) fn lightweight_guards() -> bool {
    static KNOWN: Knowledge = Knowledge::new();
    KNOWN.get(becomes_a_guard)
}

fn becomes_a_guard(page: *mut u8) -> bool {
    // SAFETY: a page of the probe's own, unused.
    let done = unsafe { advise(page, page_size(), Advice::InstallGuard) };
    // SAFETY: the same page, in which nothing is alive.
    done.is_ok() && refuses_bogus(page) && !unsafe { is_writable(page) }
}

/// Whether lightweight guards can be made many at a time, by `process_madvise`.
pub(crate) fn vectored_guards() -> bool {
    static KNOWN: Knowledge = Knowledge::new();
    KNOWN.get(becomes_one_of_many_guards)
}

fn becomes_one_of_many_guards(page: *mut u8) -> bool {
    // SAFETY: a page of the probe's own, unused.
    let done = unsafe { advise_each(&[page], page_size(), Advice::InstallGuard) };
    // SAFETY: the same page, in which nothing is alive.
    done.is_ok() && lightweight_guards() && !unsafe { is_writable(page) }
}

/// Whether `MADV_DONTNEED` makes memory read as zeros.
pub(crate) fn clears_memory() -> bool {
    static KNOWN: Knowledge = Knowledge::new();
    KNOWN.get(is_cleared)
}

fn is_cleared(page: *mut u8) -> bool {
    // SAFETY: a page of the probe's own, which is readable and writable
    // whatever the advice does.
    unsafe {
        page.write_volatile(1);
        let done = advise(page, page_size(), Advice::DontNeed);
        done.is_ok() && page.read_volatile() == 0
    }
}

/// A system that knows its advice refuses what is none.
fn refuses_bogus(page: *mut u8) -> bool {
    // SAFETY: a page of the probe's own, unused.
    unsafe { advise(page, page_size(), Advice::Bogus) }.is_err()
}

/// The answer to a question that is asked once in a process. (Or by each of
/// several threads that ask at the same time; their answers are equal.)
struct Knowledge(AtomicU8);

impl Knowledge {
    const UNKNOWN: u8 = 2;

    const fn new() -> Knowledge {
        Knowledge(AtomicU8::new(Knowledge::UNKNOWN))
    }

    /// Without a page to try it on the answer is no, for this time.
    fn get(&self, ask: impl FnOnce(*mut u8) -> bool) -> bool {
        match self.0.load(Relaxed) {
            Knowledge::UNKNOWN => {}
            known => return known == 1,
        }
        let Ok(page) = Mapping::new(page_size(), false) else {
            return false;
        };
        let answer = ask(page.start());
        self.0.store(answer.into(), Relaxed);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guards_of_a_batch_are_where_they_were_asked_for() {
        if !vectored_guards() {
            return;
        }
        let page = page_size();
        let pages = Mapping::new(4 * page, false).unwrap();
        let at = |n: usize| pages.start().wrapping_add(n * page);
        // SAFETY: pages of the test's own, unused.
        unsafe { advise_each(&[at(0), at(2)], page, Advice::InstallGuard) }.unwrap();
        // SAFETY: the same.
        let writable = [0, 1, 2, 3].map(|n| unsafe { is_writable(at(n)) });
        assert_eq!(writable, [false, true, false, true]);
    }

    fn page() -> Mapping {
        Mapping::new(page_size(), false).unwrap()
    }

    #[test]
    fn the_system_is_asked_once_and_believed() {
        for answer in [false, true] {
            let knowledge = Knowledge::new();
            assert_eq!(knowledge.get(|_| answer), answer);
            assert_eq!(knowledge.get(|_| !answer), answer);
        }
    }

    /// What each probe says, and what can be seen of the page afterwards.
    #[test]
    fn the_answers_are_what_happens_to_a_page() {
        let asked = page();
        // SAFETY: a page of the test's own.
        let refuses = unsafe { advise(asked.start(), page_size(), Advice::Bogus) }.is_err();
        for (says, ask) in [
            (lightweight_guards(), becomes_a_guard as fn(*mut u8) -> bool),
            (vectored_guards(), becomes_one_of_many_guards),
        ] {
            let asked = page();
            assert_eq!(ask(asked.start()), says);
            // SAFETY: a page of the test's own.
            let guarded = !unsafe { is_writable(asked.start()) };
            assert_eq!(says, guarded && refuses);
        }
        let asked = page();
        // SAFETY: a page of the test's own, unused.
        let done = unsafe { advise_each(&[asked.start()], page_size(), Advice::InstallGuard) };
        // SAFETY: a page of the test's own.
        let guarded = done.is_ok() && !unsafe { is_writable(asked.start()) };
        assert_eq!(vectored_guards(), lightweight_guards() && guarded);
        let asked = page();
        assert_eq!(is_cleared(asked.start()), clears_memory());
        // SAFETY: a page of the test's own, which is readable.
        let byte = unsafe { asked.start().read_volatile() };
        assert_eq!(clears_memory(), byte == 0);
    }

    /// A page that cannot be written to proves nothing, if the advice was refused.
    #[cfg(unix)]
    #[test]
    fn what_is_refused_makes_no_guard() {
        use crate::hosted::sys::failpoint::{Call, during};
        use crate::hosted::sys::memory::protect;
        lightweight_guards();
        let asked = page();
        // SAFETY: a page of the test's own, unused.
        unsafe { protect(asked.start(), page_size()) }.unwrap();
        during(
            |_, call| (call == Call::Advise).then_some(libc::EINVAL),
            || {
                assert!(!becomes_a_guard(asked.start()));
                assert!(!becomes_one_of_many_guards(asked.start()));
                assert!(!is_cleared(page().start()));
            },
        );
    }

    #[test]
    fn a_system_that_takes_bogus_advice_has_no_lightweight_guards() {
        let page = Mapping::new(page_size(), false).unwrap();
        // SAFETY: a page of the test's own.
        assert!(unsafe { is_writable(page.start()) });
        if !refuses_bogus(page.start()) {
            assert!(!lightweight_guards());
        }
    }
}
