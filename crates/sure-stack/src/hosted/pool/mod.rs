//! Stacks that come and go: a list of free ones for each thread, before an
//! arena for all of them.

mod class;
mod config;
mod list;

pub use config::{PoolConfig, PoolStatistics};

use super::arena::{Reuse, StackHeader, release};
use crate::{DEFAULT_STACK_SIZE, Stack, StackArena, StackError, StackSize, UsageReport};
use class::SizeClass;
use core::hint::assert_unchecked;
use core::ops::Range;
use core::ptr::NonNull;
use list::{ThreadPool, UNPOOLED, with_pool};

/// The size, in bytes, up to which [`PooledStack`]s come from pools.
pub const LARGEST_POOLED_SIZE: usize = 8 << 20;

/// A stack that goes back to a pool of the current thread when it is dropped,
/// and comes from there when there is one.
///
/// The pool keeps stacks of every power of two from 16 KiB to
/// [8 MiB](LARGEST_POOLED_SIZE); other sizes are rounded up to one of them. It keeps up to 256
/// of all sizes together, and no more than hold 65 MiB when every byte of them is resident,
/// unless [configured](PooledStack::configure) otherwise. Taking and returning are a few
/// instructions. Beyond that, and when a thread ends, there is for each size an
/// [arena](PooledStack::arena_of) for all threads, from where its stacks come in the first
/// place: those of [`DEFAULT_STACK_SIZE`](crate::DEFAULT_STACK_SIZE) keep up to 33 MiB of
/// free stacks, those of each other size up to 8 MiB and one page a stack. Stacks that are larger than
/// 8 MiB are mapped and unmapped each on its own, which takes microseconds.
///
/// A stack may be returned on another thread than the one that made it, and while
/// thread-locals are torn down. A function that changes its thread while it is suspended (because
/// code on another stack moves it) may take and return stacks before and after if the
/// feature `movable` is on.
#[derive(Debug)]
pub struct PooledStack {
    header: NonNull<StackHeader>,
}

// SAFETY: the header is owned, and all in it is `Send`.
unsafe impl Send for PooledStack {}
// SAFETY: through a shared reference only the bounds can be read.
unsafe impl Sync for PooledStack {}

impl PooledStack {
    /// A stack of [`DEFAULT_STACK_SIZE`](crate::DEFAULT_STACK_SIZE).
    ///
    /// # Errors
    /// As [`StackArena::allocate`], if none is kept.
    #[inline]
    pub fn new() -> Result<PooledStack, StackError> {
        let stack = PooledStack::of_class(SizeClass::DEFAULT)?;
        // What the compiler can make use of.
        // SAFETY: the pool keeps stacks of this size in a list of their own, and their
        // arena makes no smaller ones.
        unsafe { assert_unchecked(stack.size() >= DEFAULT_STACK_SIZE) };
        Ok(stack)
    }

    /// A stack of at least `bytes` bytes: from the pool up to [`LARGEST_POOLED_SIZE`],
    /// beyond that from a mapping of its own.
    ///
    /// ```
    /// use sure_stack::{PooledStack, Stack};
    ///
    /// let base = PooledStack::allocate_at_least(100_000)?.base();
    /// // The same stack again, because it has the same size class.
    /// assert_eq!(PooledStack::allocate_at_least(128 << 10)?.base(), base);
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Errors
    /// As [`ArenaConfig::build`](crate::ArenaConfig::build) and [`StackArena::allocate`].
    #[inline]
    pub fn allocate_at_least(bytes: usize) -> Result<PooledStack, StackError> {
        match SizeClass::of(bytes) {
            Some(class) => PooledStack::of_class(class),
            None => PooledStack::alone(bytes),
        }
    }

    #[inline]
    fn of_class(class: SizeClass) -> Result<PooledStack, StackError> {
        match with_pool(|pool| pool.take(class)) {
            Some(header) => {
                // SAFETY: the pool has given the stack away.
                unsafe { StackHeader::announce(header, true) };
                Ok(PooledStack { header })
            }
            None => PooledStack::from_arena(class),
        }
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
    /// [arenas](PooledStack::arena_of), which can be trimmed as well.
    pub fn trim() -> usize {
        with_pool(ThreadPool::trim)
    }

    /// How many stacks the current thread keeps for reuse.
    pub fn kept() -> usize {
        with_pool(ThreadPool::kept)
    }

    /// Tells the pool of the current thread what to keep from now on. What it
    /// has kept before is [trimmed](PooledStack::trim).
    pub fn configure(config: PoolConfig) {
        with_pool(|pool| pool.configure(config));
    }

    /// What the pool of the current thread has done, and what it has now. It takes
    /// a system call for each stack that is kept.
    pub fn statistics() -> PoolStatistics {
        with_pool(ThreadPool::statistics)
    }

    /// How much was used of the stacks that the current thread has returned so far,
    /// while its pool was configured to [measure](PoolConfig::measure), of all sizes.
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
        ThreadPool::usage()
    }

    /// The arena of all threads, from which stacks of the default size come.
    pub fn arena() -> &'static StackArena {
        SizeClass::DEFAULT.arena()
    }

    /// The arena of all threads, from which stacks of at least `bytes` bytes come; none for
    /// sizes that are not pooled.
    ///
    /// ```
    /// use sure_stack::{LARGEST_POOLED_SIZE, PooledStack};
    ///
    /// let _stack = PooledStack::allocate_at_least(1 << 20)?;
    /// let arena = PooledStack::arena_of(1 << 20).expect("a pooled size");
    /// assert!(arena.statistics().live > 0);
    /// assert!(PooledStack::arena_of(LARGEST_POOLED_SIZE + 1).is_none());
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    pub fn arena_of(bytes: usize) -> Option<&'static StackArena> {
        SizeClass::of(bytes).map(SizeClass::arena)
    }

    #[cold]
    fn from_arena(class: SizeClass) -> Result<PooledStack, StackError> {
        with_pool(ThreadPool::count_miss);
        let mut header = class.arena().allocate()?.into_header();
        // SAFETY: owned, and nothing is alive on it yet.
        unsafe {
            header.as_mut().class = class.number();
            with_pool(|pool| pool.prepare(header));
        }
        Ok(PooledStack { header })
    }

    #[cold]
    fn alone(bytes: usize) -> Result<PooledStack, StackError> {
        let mut header = StackArena::allocate_alone(bytes)?.into_header();
        // SAFETY: owned.
        unsafe { header.as_mut() }.class = UNPOOLED;
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
        // SAFETY: owned, and not used after this if it is kept.
        let kept = with_pool(|pool| unsafe { pool.keep_usual(self.header) });
        if kept {
            // SAFETY: the pool of this thread has it, and uses the header only.
            unsafe { StackHeader::announce(self.header, false) };
        } else {
            // SAFETY: owned, and not used after this.
            unsafe { return_unusual(self.header) };
        }
    }
}

/// Returns a stack of another size than the default, or one that the pool has not taken at
/// once. Apart, and called last, so that the usual way needs no frame.
///
/// # Safety
/// The header is that of a [`PooledStack`]; it and the stack below are owned and not
/// used any more.
#[inline(never)]
unsafe fn return_unusual(header: NonNull<StackHeader>) {
    // SAFETY: owned, and not used after this if it is kept.
    let kept = with_pool(|pool| unsafe { pool.keep(header) });
    if kept {
        // SAFETY: the pool of this thread has it, and uses the header only.
        unsafe { StackHeader::announce(header, false) };
    } else {
        // SAFETY: owned, and not used after this.
        unsafe { return_slowly(header) };
    }
}

/// Returns a stack for which its list has no quota.
///
/// # Safety
/// As [`return_unusual`].
#[cold]
#[inline(never)]
unsafe fn return_slowly(header: NonNull<StackHeader>) {
    // SAFETY: owned.
    let pooled = unsafe { header.as_ref() }.class != UNPOOLED;
    // SAFETY: a `PooledStack`'s, with nothing alive on it, and not used after it is kept.
    let kept = with_pool(|pool| unsafe {
        pool.measure(header);
        pooled && pool.keep_within_budget(header)
    });
    if kept {
        // SAFETY: the pool of this thread has it, and uses the header only.
        unsafe { StackHeader::announce(header, false) };
    } else {
        // SAFETY: owned, and not used after this.
        unsafe { release(header, Reuse::Keep) };
    }
}
