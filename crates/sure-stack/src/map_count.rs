//! How many more mappings the process may have.
//!
//! A guard made by `mprotect` splits a mapping, and takes two of the
//! `vm.max_map_count` that a process may have. One that has used its last
//! mapping is in a bad way: it cannot allocate, nor print why, nor panic. So
//! protected guards end while there is still [`HEAD_ROOM`].
//!
//! What the process has is counted in `/proc/self/maps`, which takes
//! milliseconds when there are many. So each count grants three quarters of what is
//! left, and the next one is made when that is used up: some five counts on the way
//! to the limit.

use crate::limits;
use crate::{StackError, guard};
use core::ops::ControlFlow;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::ffi::CStr;

/// How many mappings are left to the rest of the process.
const HEAD_ROOM: usize = 512;

/// What is granted at the least, as long as there is as much.
const LEAST_GRANT: usize = 256;

/// What a protected guard takes.
const MAPPINGS: usize = 2;

/// Mappings that may be made without another count.
static GRANTED: AtomicUsize = AtomicUsize::new(0);
/// How many the last count granted.
static LAST_GRANT: AtomicUsize = AtomicUsize::new(0);
/// How many stacks of this process have a protected guard.
static STACKS: AtomicUsize = AtomicUsize::new(0);

/// The mappings of some protected guards, given back when dropped.
#[derive(Debug)]
pub(crate) struct Claims {
    guards: usize,
}

impl Claims {
    /// Those of no guard.
    pub(crate) const NONE: Claims = Claims { guards: 0 };

    /// Asks for the mappings of one protected guard.
    pub(crate) fn one() -> Result<Claims, StackError> {
        let spend = || GRANTED.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(MAPPINGS));
        while spend().is_err() {
            count()?;
        }
        STACKS.fetch_add(1, Relaxed);
        Ok(Claims { guards: 1 })
    }

    /// Of how many guards.
    pub(crate) fn guards(&self) -> usize {
        self.guards
    }

    /// Takes over what the other holds.
    pub(crate) fn join(&mut self, other: Claims) {
        self.guards += other.guards;
        core::mem::forget(other);
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        if self.guards > 0 {
            STACKS.fetch_sub(self.guards, Relaxed);
            // Never above what was granted once, because others use mappings, too.
            let most = LAST_GRANT.load(Relaxed);
            let more = |left| (left < most).then(|| most.min(left + self.guards * MAPPINGS));
            let _ = GRANTED.fetch_update(Relaxed, Relaxed, more);
        }
    }
}

/// Counts what the process has, and grants most of what it may still have. (Two
/// threads that do it at once grant the same.)
#[cold]
fn count() -> Result<(), StackError> {
    // The kernel's default, where the system does not say.
    let limit = limits::map_count().unwrap_or(65_530);
    let stacks = STACKS.load(Relaxed);
    // Where it does not say how many there are: those of ours, and some more.
    let used = lines(MAPS).unwrap_or(stacks * MAPPINGS + LEAST_GRANT);
    let free = usize::try_from(limit)
        .unwrap_or(usize::MAX)
        .saturating_sub(used + HEAD_ROOM);
    if free < MAPPINGS {
        return Err(StackError::MapCount {
            stacks,
            limit,
            lightweight_guards: guard::lightweight_guards(),
        });
    }
    let grant = (free - free / 4).max(LEAST_GRANT.min(free));
    LAST_GRANT.store(grant, Relaxed);
    GRANTED.store(grant, Relaxed);
    Ok(())
}

/// Whether the mappings of the process are about used up; if so, how many it may have.
pub(crate) fn is_near_limit() -> Option<u64> {
    let limit = limits::map_count()?;
    let used = lines(MAPS)? + HEAD_ROOM;
    (used as u64 >= limit).then_some(limit)
}

/// A line for each mapping, see `proc_pid_maps(5)`.
const MAPS: &CStr = c"/proc/self/maps";

/// How many lines a file has. Without a heap, of which there may be none left.
fn lines(path: &CStr) -> Option<usize> {
    // SAFETY: the path is a C string; the file is closed below.
    let file = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if file < 0 {
        return None;
    }
    let mut text = [0_u8; 2048];
    let mut lines = 0;
    let end = loop {
        // SAFETY: `text` is writable for its length.
        let read = unsafe { libc::read(file, text.as_mut_ptr().cast(), text.len()) };
        match usize::try_from(read) {
            Ok(0) => break ControlFlow::Continue(()),
            Ok(read) => lines += text[..read].iter().filter(|byte| **byte == b'\n').count(),
            Err(_) => break ControlFlow::Break(()),
        }
    };
    // SAFETY: opened above, and closed once.
    unsafe { libc::close(file) };
    end.is_continue().then_some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted() {
        let maps = lines(MAPS).expect("the system says");
        assert!(maps > 10, "{maps}");
        assert_eq!(lines(c"/dev/null"), Some(0));
        assert_eq!(lines(c"/nowhere"), None);
    }
}
