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
        } else if let Some(mappings) = exhausted_mappings() {
            Limit::MapCount(mappings)
        } else {
            Limit::Unknown
        }
    }
}

/// How many mappings the process may have, if it has about as many.
fn exhausted_mappings() -> Option<u64> {
    let most = limits::most_mappings()?;
    let used = limits::mappings()? + HEAD_ROOM;
    (used as u64 >= most).then_some(most)
}
