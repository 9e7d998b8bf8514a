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
        STACKS.fetch_sub(self.guards, Relaxed);
        let most = LAST_GRANT.load(Relaxed);
        GRANTED.update(Relaxed, Relaxed, |left| given_back(left, self.guards, most));
    }
}

/// What is granted once so many guards are given back, if that is more than what is left. Never
/// above what was granted once, because others use mappings, too.
fn given_back(left: usize, guards: usize, most: usize) -> usize {
    most.min(left + guards * MAPPINGS).max(left)
}

/// Counts what the process has, and grants most of what it may still have. (Two
/// threads that do it at once grant the same.)
#[cold]
fn count() -> Result<(), Exhausted> {
    // The kernel's default, where the system does not say.
    let limit = limits::most_mappings().unwrap_or(65_530);
    let stacks = STACKS.load(Relaxed);
    let used = used(limits::mappings(), stacks);
    let grant = grant(limit, used).ok_or(Exhausted { stacks, limit })?;
    LAST_GRANT.store(grant, Relaxed);
    GRANTED.store(grant, Relaxed);
    Ok(())
}

/// How many mappings there are, as the system has counted them. Where it does not say: those of
/// so many stacks, and some more.
fn used(counted: Option<usize>, stacks: usize) -> usize {
    counted.unwrap_or(stacks * MAPPINGS + LEAST_GRANT)
}

/// What a process is granted that has used so many of its mappings: three quarters of what is left
/// above [`HEAD_ROOM`], or [`LEAST_GRANT`] of it, or all; nothing, if that is not enough for a guard.
fn grant(limit: u64, used: usize) -> Option<usize> {
    let free = usize::try_from(limit)
        .unwrap_or(usize::MAX)
        .saturating_sub(used + HEAD_ROOM);
    (free >= MAPPINGS).then(|| (free - free / 4).max(LEAST_GRANT.min(free)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_granted_again_up_to_the_last_grant() {
        assert_eq!(given_back(0, 1, 100), 2);
        assert_eq!(given_back(10, 5, 100), 20);
        assert_eq!(given_back(96, 3, 100), 100);
        assert_eq!(
            given_back(101, 3, 100),
            101,
            "another thread has counted less"
        );
    }

    #[test]
    fn where_the_system_does_not_count_our_stacks_and_some_more_are_used() {
        assert_eq!(used(Some(7), 1000), 7);
        assert_eq!(used(None, 1000), 2 * 1000 + LEAST_GRANT);
        assert_eq!(used(None, 0), LEAST_GRANT);
    }

    #[test]
    fn most_of_what_is_left_is_granted_and_the_head_room_never() {
        assert_eq!(grant(65_530, 65_530 - 512 - 4000), Some(3000));
        assert_eq!(grant(10_000, 10_000 - 512 - 300), Some(LEAST_GRANT));
        assert_eq!(grant(10_000, 10_000 - 512 - 100), Some(100));
        assert_eq!(grant(10_000, 10_000 - 512 - 2), Some(2));
        assert_eq!(grant(10_000, 10_000 - 512 - 1), None);
        assert_eq!(grant(10_000, 10_000 - 512), None);
        assert_eq!(grant(10_000, 20_000), None, "another thread makes mappings");
    }
}
