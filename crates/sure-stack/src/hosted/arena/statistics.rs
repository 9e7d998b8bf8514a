/// What an arena has, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArenaStatistics {
    /// Stacks that are out: in use, or kept by a pool.
    pub live: usize,
    /// Free stacks whose memory is kept.
    pub kept: usize,
    /// Stacks that were ever taken from the reservations that there are now.
    pub used: usize,
    /// How many of those have a guard made by `mprotect`, which takes two of
    /// the process's mappings.
    pub protected_guards: usize,
    /// Reservations. Each is one mapping, protected guards apart.
    pub reservations: usize,
    /// Address space of the reservations, in bytes.
    pub reserved_bytes: usize,
}
