/// What the pool of a thread keeps; see [`PooledStack::configure`](crate::PooledStack::configure).
///
/// ```
/// use sure_stack::{PoolConfig, PooledStack};
///
/// PooledStack::configure(PoolConfig::new().kept_stacks(1000).kept_bytes(16 << 20));
/// drop(PooledStack::new()?);
/// assert_eq!(PooledStack::statistics().kept, 1);
/// # Ok::<(), sure_stack::StackError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    pub(super) kept_stacks: usize,
    /// None: as many as the stacks of the default size may hold.
    pub(super) kept_bytes: Option<usize>,
    pub(super) measure: bool,
}

impl Default for PoolConfig {
    fn default() -> PoolConfig {
        PoolConfig::new()
    }
}

impl PoolConfig {
    /// 256 stacks, which may hold as many bytes as 256 of the default size, some 65 MiB;
    /// nothing is measured.
    pub const fn new() -> PoolConfig {
        PoolConfig {
            kept_stacks: 256,
            kept_bytes: None,
            measure: false,
        }
    }

    /// The most stacks that are kept for reuse, of all sizes together. Others go back to
    /// the arenas that all threads share.
    pub const fn kept_stacks(mut self, stacks: usize) -> PoolConfig {
        self.kept_stacks = stacks;
        self
    }

    /// The most bytes that kept stacks may hold resident, all sizes together; unless it is
    /// set, as many as [`kept_stacks`](PoolConfig::kept_stacks) of the default size can.
    ///
    /// If that many stacks of the default size might exceed the bytes, only so many stacks are
    /// kept without a further look as stay below half of them even if they were used to
    /// their last page. Of each one beyond those the system is
    /// asked what it holds (`mincore(2)`, less than a microsecond for a stack of the default
    /// size); what would exceed the bytes is given back, but for the page that the next
    /// coroutine begins on.
    pub const fn kept_bytes(mut self, bytes: usize) -> PoolConfig {
        self.kept_bytes = Some(bytes);
        self
    }

    /// Whether the high-water mark of each stack is noted when it is returned, for
    /// [`PooledStack::usage`](crate::PooledStack::usage), and the stack
    /// cleared, so that what is later found used in it was used by its last user. That
    /// costs some system calls, and a page fault for each page that is used again.
    pub const fn measure(mut self, measure: bool) -> PoolConfig {
        self.measure = measure;
        self
    }
}

/// What the pool of one thread has done, and what it has now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatistics {
    /// Stacks that are kept for reuse.
    pub kept: usize,
    /// Bytes that those hold resident, in whole pages.
    pub resident_bytes: usize,
    /// Stacks that were taken when none of their size was kept.
    pub missed: u64,
    /// Stacks up to the [largest pooled size](crate::LARGEST_POOLED_SIZE) that were
    /// returned and not kept.
    pub refused: u64,
}
