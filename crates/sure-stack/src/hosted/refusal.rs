//! What it means that the operating system refuses something.

use crate::hosted::mapping_budget::HEAD_ROOM;
use crate::hosted::sys::limits;
use crate::{Limit, StackError};
use std::io;

impl StackError {
    /// A mapping of `bytes` that was refused.
    pub(super) fn map(bytes: usize, os: io::Error) -> StackError {
        let limit = Limit::behind(&os);
        StackError::Map { bytes, os, limit }
    }

    /// No memory to note down what a mapping of `bytes` is used for.
    pub(super) fn no_heap(bytes: usize) -> StackError {
        StackError::map(bytes, io::ErrorKind::OutOfMemory.into())
    }

    /// A guard that was refused.
    pub(super) fn guard(os: io::Error) -> StackError {
        let limit = Limit::behind(&os);
        StackError::Guard { os, limit }
    }
}

impl Limit {
    /// The limit that is likely to stand behind an error, without allocating.
    fn behind(error: &io::Error) -> Limit {
        // `EAGAIN` of mmap(2): too much memory has been locked.
        if error.kind() == io::ErrorKind::WouldBlock {
            return Limit::LockedMemory;
        }
        // In the order in which they are likely to be met.
        if let Some(bytes) = limits::address_space() {
            Limit::AddressSpace(bytes)
        } else if limits::overcommit_policy() == Some(2) {
            Limit::Overcommit
        } else if let Some(most) = exhausted(limits::most_mappings(), limits::mappings()) {
            Limit::MapCount(most)
        } else {
            Limit::Unknown
        }
    }
}

/// How many mappings the process may have at the most, if it has used about as many.
fn exhausted(most: Option<u64>, used: Option<usize>) -> Option<u64> {
    most.filter(|most| used.is_some_and(|used| (used + HEAD_ROOM) as u64 >= *most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_exhausted_when_only_the_head_room_is_left() {
        let head_room = HEAD_ROOM as u64;
        assert_eq!(exhausted(Some(65_530), Some(65_530)), Some(65_530));
        assert_eq!(
            exhausted(Some(100 + head_room), Some(100)),
            Some(100 + head_room)
        );
        assert_eq!(exhausted(Some(101 + head_room), Some(100)), None);
        assert_eq!(exhausted(None, Some(100)), None);
        assert_eq!(exhausted(Some(100), None), None);
    }

    #[test]
    fn the_error_tells_locked_memory_from_everything_else() {
        assert_eq!(
            Limit::behind(&io::ErrorKind::WouldBlock.into()),
            Limit::LockedMemory
        );
        let other = Limit::behind(&io::ErrorKind::OutOfMemory.into());
        assert_ne!(other, Limit::LockedMemory);
        if limits::overcommit_policy() != Some(2) {
            assert_ne!(other, Limit::Overcommit);
        }
    }
}
