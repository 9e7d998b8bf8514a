//! What a process may have: Windows names no limit of this kind.

/// Limits are those of jobs, and are reported by the error alone.
pub(crate) fn address_space() -> Option<u64> {
    None
}

/// Every committed page is counted, always; the error says so itself.
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
