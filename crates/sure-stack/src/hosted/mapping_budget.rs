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

use crate::hosted::sys::limits;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// How many mappings are left to the rest of the process.
pub(crate) const HEAD_ROOM: usize = 512;

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

/// There are no mappings left but those of [`HEAD_ROOM`].
#[derive(Debug)]
pub(crate) struct Exhausted {
    /// How many stacks have a protected guard.
    pub(crate) stacks: usize,
    /// How many mappings the process may have.
    pub(crate) limit: u64,
}

/// The mappings of some protected guards, given back when dropped.
#[derive(Debug)]
pub(crate) struct MappingClaims {
    guards: usize,
}

impl MappingClaims {
    /// Those of no guard.
    pub(crate) const NONE: MappingClaims = MappingClaims { guards: 0 };

    /// Asks for the mappings of one protected guard.
    pub(crate) fn one() -> Result<MappingClaims, Exhausted> {
        let spend = || GRANTED.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(MAPPINGS));
        while spend().is_err() {
            count()?;
        }
        STACKS.fetch_add(1, Relaxed);
        Ok(MappingClaims { guards: 1 })
    }

    /// Of how many guards.
    pub(crate) fn guards(&self) -> usize {
        self.guards
    }

    /// Takes over what the other holds.
    pub(crate) fn join(&mut self, other: MappingClaims) {
        self.guards += other.guards;
        core::mem::forget(other);
    }
}

impl Drop for MappingClaims {
    fn drop(&mut self) {
        if self.guards > 0 {
            STACKS.fetch_sub(self.guards, Relaxed);
            let most = LAST_GRANT.load(Relaxed);
            let more = |left| given_back(left, self.guards, most);
            let _ = GRANTED.fetch_update(Relaxed, Relaxed, more);
        }
    }
}

/// What is granted once so many guards are given back, if that is more than what is left. Never
/// above what was granted once, because others use mappings, too.
fn given_back(left: usize, guards: usize, most: usize) -> Option<usize> {
    (left < most).then(|| most.min(left + guards * MAPPINGS))
}

/// Counts what the process has, and grants most of what it may still have. (Two
/// threads that do it at once grant the same.)
#[cold]
fn count() -> Result<(), Exhausted> {
    // The kernel's default, where the system does not say.
    let limit = limits::most_mappings().unwrap_or(65_530);
    let stacks = STACKS.load(Relaxed);
    // Where it does not say how many there are: those of ours, and some more.
    let used = limits::mappings().unwrap_or(stacks * MAPPINGS + LEAST_GRANT);
    let free = usize::try_from(limit)
        .unwrap_or(usize::MAX)
        .saturating_sub(used + HEAD_ROOM);
    if free < MAPPINGS {
        return Err(Exhausted { stacks, limit });
    }
    let grant = (free - free / 4).max(LEAST_GRANT.min(free));
    LAST_GRANT.store(grant, Relaxed);
    GRANTED.store(grant, Relaxed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_granted_again_up_to_the_last_grant() {
        assert_eq!(given_back(0, 1, 100), Some(2));
        assert_eq!(given_back(10, 5, 100), Some(20));
        assert_eq!(given_back(96, 3, 100), Some(100));
        assert_eq!(
            given_back(101, 3, 100),
            None,
            "another thread has counted less"
        );
    }
}
