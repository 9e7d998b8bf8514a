//! What a process may have, and has: getrlimit(2). The number of mappings is not limited here,
//! so they are not counted either.

pub(crate) use crate::hosted::sys::unix::address_space;

/// No such setting: whether memory is promised that there may not be is the kernel's choice.
pub(crate) fn overcommit_policy() -> Option<u64> {
    None
}

/// More than a process can have.
pub(crate) fn most_mappings() -> Option<u64> {
    Some(u64::MAX)
}

/// Not counted.
pub(crate) fn mappings() -> Option<usize> {
    None
}
