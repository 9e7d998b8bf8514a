use super::shape::StackShape;
use crate::{DEFAULT_STACK_SIZE, Guards, StackArena, StackError};

/// What becomes of the memory of a stack that is put back, and not kept.
///
/// Non-exhaustive: systems get more ways to take memory back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reclaim {
    /// The system takes its pages at once (`MADV_DONTNEED`, `madvise(2)`).
    #[default]
    AtOnce,
    /// The system may take its pages when memory is short (`MADV_FREE`). Cheaper
    /// when stacks are soon used again; the process looks as large as before.
    Lazily,
}

/// How a [`StackArena`] is made.
///
/// ```
/// use sure_stack::{ArenaConfig, Guards, Stack};
///
/// let arena = ArenaConfig::new()
///     .stack_size(64 << 10)
///     .guards(Guards::Mprotect)
///     .keep(100)
///     .build()?;
/// assert!(arena.allocate()?.size() >= 64 << 10);
/// assert_eq!(arena.statistics().protected_guards, 1);
/// # Ok::<(), sure_stack::StackError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a configuration does nothing until it builds"]
pub struct ArenaConfig {
    stack_size: usize,
    pub(super) guards: Guards,
    pub(super) keep: usize,
    pub(super) reclaim: Reclaim,
    coloured: bool,
    huge: bool,
}

impl Default for ArenaConfig {
    fn default() -> ArenaConfig {
        ArenaConfig::new()
    }
}

impl ArenaConfig {
    /// Stacks of [`DEFAULT_STACK_SIZE`](crate::DEFAULT_STACK_SIZE); 128 of those
    /// that are put back keep their memory, that of others goes back at once.
    pub fn new() -> ArenaConfig {
        ArenaConfig {
            stack_size: DEFAULT_STACK_SIZE,
            guards: Guards::Automatic,
            keep: 128,
            reclaim: Reclaim::AtOnce,
            coloured: true,
            huge: false,
        }
    }

    /// The least size of each stack, in usable bytes.
    pub fn stack_size(mut self, bytes: usize) -> ArenaConfig {
        self.stack_size = bytes;
        self
    }

    /// How guards are made.
    pub fn guards(mut self, guards: Guards) -> ArenaConfig {
        self.guards = guards;
        self
    }

    /// How many free stacks keep the memory that was touched while they were
    /// used. Taking one of them costs neither a system call nor a page fault. When there
    /// are more, the memory of up to 64 goes back at a time, half of the number at the most.
    pub fn keep(mut self, stacks: usize) -> ArenaConfig {
        self.keep = stacks;
        self
    }

    /// What becomes of the memory of free stacks beyond those.
    pub fn reclaim(mut self, reclaim: Reclaim) -> ArenaConfig {
        self.reclaim = reclaim;
        self
    }

    /// Whether stacks begin at different offsets in their page, so that their
    /// first frames do not compete for the same few cache sets: yes, unless
    /// a program wants to measure what that is worth.
    pub fn coloured(mut self, coloured: bool) -> ArenaConfig {
        self.coloured = coloured;
        self
    }

    /// Asks for huge pages (`MADV_HUGEPAGE`), and **does without guards**: the
    /// processor cannot guard a part of a huge page, so the system splits a
    /// page that has a guard in it, and it is no huge page any more.
    ///
    /// For many small stacks that are all in use and visited in random order:
    /// one entry of the processor's address cache (TLB) then serves some dozens of
    /// stacks. Every byte of them is resident from the beginning, whether used or not.
    ///
    /// # Safety
    /// No code that runs on a stack of this arena accesses memory below its
    /// [`limit`](crate::Stack::limit): an overflow is not caught, but overwrites the
    /// stack below.
    pub unsafe fn huge_pages_without_guards(mut self) -> ArenaConfig {
        self.huge = true;
        self
    }

    /// An arena that has nothing reserved yet.
    ///
    /// # Errors
    /// [`StackError::InvalidSize`] for a stack size of 0, or one that exceeds
    /// `isize::MAX` together with its guard.
    ///
    /// # Aborts
    /// If the heap has no memory for the arena's record, some hundreds of bytes, the process ends, as
    /// it does when a collection has none.
    pub fn build(self) -> Result<StackArena, StackError> {
        Ok(StackArena::with_config(&self, self.shape()?))
    }

    pub(crate) fn shape(&self) -> Result<StackShape, StackError> {
        StackShape::new(self.stack_size, self.coloured, self.huge)
    }
}
