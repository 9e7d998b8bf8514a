//! Stacks that come and go: a list of free ones for each thread, before an
//! arena for all of them.

mod config;
mod list;

pub use config::{PoolConfig, PoolStatistics};

use super::arena::{Reuse, StackHeader, release};
use crate::{
    ArenaConfig, DEFAULT_STACK_SIZE, Stack, StackArena, StackError, StackSize, UsageReport,
};
use core::hint::assert_unchecked;
use core::ops::Range;
use core::ptr::NonNull;
use list::{FreeList, POOL};
use std::sync::LazyLock;

/// A stack that goes back to a pool of the current thread when it is dropped,
/// and comes from there when there is one.
///
/// The pool keeps stacks of the default size, up to 256 a thread unless
/// [configured](PooledStack::configure) otherwise. Taking and returning are a few
/// instructions. Beyond that, and when a thread ends, there is an [arena](PooledStack::arena) for
/// all threads, from where stacks of that size come in the first place. Stacks of other
/// sizes are mapped and unmapped each on its own.
///
/// A stack may be returned on another thread than the one that made it, and while
/// thread-locals are torn down.
#[derive(Debug)]
pub struct PooledStack {
    header: NonNull<StackHeader>,
}

// SAFETY: the header is owned, and all in it is `Send`.
unsafe impl Send for PooledStack {}
// SAFETY: through a shared reference only the bounds can be read.
unsafe impl Sync for PooledStack {}

static ARENA: LazyLock<StackArena> = LazyLock::new(|| {
    let arena = ArenaConfig::new().stack_size(DEFAULT_STACK_SIZE).build();
    arena.expect("the default size is a size")
});

impl PooledStack {
    /// A stack of [`DEFAULT_STACK_SIZE`](crate::DEFAULT_STACK_SIZE).
    ///
    /// # Errors
    /// As [`StackArena::allocate`], if none is kept.
    #[inline]
    pub fn new() -> Result<PooledStack, StackError> {
        let stack = match POOL.with(FreeList::take) {
            Some(header) => PooledStack { header },
            None => PooledStack::from_arena()?,
        };
        // What the compiler can make use of.
        // SAFETY: the pool keeps stacks of this size only, and its arena makes no smaller ones.
        unsafe { assert_unchecked(stack.size() >= DEFAULT_STACK_SIZE) };
        Ok(stack)
    }

    /// A stack of at least `bytes` bytes. Only the default size is pooled.
    ///
    /// # Errors
    /// As [`ArenaConfig::build`] and [`StackArena::allocate`].
    pub fn allocate_at_least(bytes: usize) -> Result<PooledStack, StackError> {
        if bytes == DEFAULT_STACK_SIZE {
            return PooledStack::new();
        }
        let header = StackArena::allocate_alone(bytes)?.into_header();
        Ok(PooledStack { header })
    }

    /// Usable bytes.
    #[inline]
    pub fn size(&self) -> usize {
        StackSize::size(self)
    }

    /// The addresses of the guard, which end at the [`limit`](Stack::limit): at
    /// least [`GUARD_SIZE`](crate::GUARD_SIZE) bytes, of which each access faults.
    pub fn guard(&self) -> Range<usize> {
        // SAFETY: the header is owned.
        unsafe { self.header.as_ref() }.guard()
    }

    /// Gives the memory of the stacks that the current thread keeps back to the
    /// system, and says how many there were. The addresses stay in the
    /// [arena](PooledStack::arena), which can be trimmed as well.
    pub fn trim() -> usize {
        POOL.with(FreeList::trim)
    }

    /// How many stacks the current thread keeps for reuse.
    pub fn kept() -> usize {
        POOL.with(FreeList::kept)
    }

    /// Tells the pool of the current thread what to keep from now on. What it
    /// has kept before is [trimmed](PooledStack::trim).
    pub fn configure(config: PoolConfig) {
        POOL.with(|pool| pool.configure(config));
    }

    /// What the pool of the current thread has done, and what it has now. It takes
    /// a system call for each stack that is kept.
    pub fn statistics() -> PoolStatistics {
        POOL.with(FreeList::statistics)
    }

    /// How much was used of the stacks that the current thread has returned so far,
    /// while its pool was configured to [measure](PoolConfig::measure): those of other
    /// sizes, too.
    ///
    /// ```
    /// use sure_stack::{PoolConfig, PooledStack, Stack};
    ///
    /// PooledStack::configure(PoolConfig::new().measure(true));
    /// for used in [1000, 5000, 3000] {
    ///     let stack = PooledStack::new()?;
    ///     // SAFETY: the stack's memory, on which nothing runs.
    ///     unsafe { stack.base().sub(used).write(1) };
    /// }
    /// let usage = PooledStack::usage();
    /// assert_eq!((usage.count(), usage.largest()), (3, 5000));
    /// println!("{usage}");
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    pub fn usage() -> UsageReport {
        FreeList::usage()
    }

    /// The arena of all threads, from which stacks of the default size come.
    pub fn arena() -> &'static StackArena {
        &ARENA
    }

    #[cold]
    fn from_arena() -> Result<PooledStack, StackError> {
        POOL.with(FreeList::count_miss);
        let mut header = ARENA.allocate()?.into_header();
        // SAFETY: owned, and nothing is alive on it yet.
        unsafe {
            header.as_mut().poolable = true;
            POOL.with(|pool| pool.prepare(header));
        }
        Ok(PooledStack { header })
    }
}

// SAFETY: (1), (3) as for the stack in which the header is written, of which
// this is all but the bytes from the header on; (2) the header is never moved.
unsafe impl Stack for PooledStack {
    #[inline]
    fn base(&self) -> NonNull<u8> {
        // SAFETY: every stack's header was made by `StackHeader::write`.
        unsafe { StackHeader::base(self.header) }
    }

    #[inline]
    fn limit(&self) -> NonNull<u8> {
        // SAFETY: the header is owned, and changes only while the stack is kept.
        unsafe { self.header.as_ref() }.limit
    }
}

impl Drop for PooledStack {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: as in `limit`.
        let poolable = unsafe { self.header.as_ref() }.poolable;
        // SAFETY: owned, and not used after this.
        let kept = poolable && POOL.with(|pool| unsafe { pool.keep(self.header) });
        if !kept {
            // SAFETY: owned, and not used after this.
            unsafe { return_slowly(self.header) };
        }
    }
}

/// Returns a stack that the pool has not taken at once. Apart, and called last,
/// so that the usual way needs no frame.
///
/// # Safety
/// The header, and the stack below it, are owned and not used any more.
#[cold]
#[inline(never)]
unsafe fn return_slowly(header: NonNull<StackHeader>) {
    // SAFETY: owned.
    let poolable = unsafe { header.as_ref() }.poolable;
    // SAFETY: owned, and not used after this.
    let kept = POOL.with(|pool| unsafe {
        pool.measure(header);
        poolable && pool.keep_after_a_look(header)
    });
    if !kept {
        // SAFETY: owned, and not used after this.
        unsafe { release(header, Reuse::Keep) };
    }
}
