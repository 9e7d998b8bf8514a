//! The free stacks of one thread.
//!
//! Each size has a list, which takes stacks without a further look while it has fewer than its
//! *quota*. Quotas are granted from two budgets that all sizes share, a number of stacks
//! and a number of bytes; a list that has used up its own is granted more, if need be of what
//! others have and do not use. So taking and returning a stack compare two numbers of one
//! list, and the bounds hold for all lists together.

use super::class::{CLASSES, SizeClass};
use super::config::{PoolConfig, PoolStatistics};
use crate::hosted::arena::{Reuse, StackHeader, release};
use crate::hosted::usage::{self, UsageReport};
use crate::hosted::valgrind;
use core::cell::{Cell, RefCell};
use core::hint::assert_unchecked;
use core::ptr::NonNull;

thread_local! {
    // Without a destructor, so that it can be used until the thread is gone.
    static POOL: ThreadPool = const { ThreadPool::new() };
    /// What was measured on this thread. Without a destructor, too.
    static USAGE: RefCell<UsageReport> = const { RefCell::new(UsageReport::new()) };
    /// Empties the pool when its thread ends.
    static REAPER: Reaper = const { Reaper };
}

/// Calls `f` with the pool of the present thread.
///
/// A compiler keeps the address of a thread-local in a register where it sees two uses in one
/// function, also across a call, or a switch, from which the function returns on another thread. So
/// where that happens, each use has a function of its own, out of which no address comes.
#[cfg_attr(feature = "movable", inline(never))]
#[cfg_attr(not(feature = "movable"), inline(always))]
pub(super) fn with_pool<R>(f: impl FnOnce(&ThreadPool) -> R) -> R {
    POOL.with(f)
}

struct Reaper;

impl Drop for Reaper {
    fn drop(&mut self) {
        with_pool(|pool| {
            pool.life.set(Life::Over);
            pool.empty(Reuse::Keep);
            // No list has a quota left, because none has stacks: what comes back later goes on to the arena.
            pool.revoke();
        });
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    /// Nothing was kept yet, and nothing will empty the pool.
    Unused,
    Open,
    /// Emptied for good.
    Over,
}

/// The number of a list that keeps nothing: of stacks that are larger than any class.
pub(super) const UNPOOLED: u8 = CLASSES as u8;

/// The free stacks of one size, threaded through their headers.
struct SizeList {
    first: Cell<Option<NonNull<StackHeader>>>,
    len: Cell<usize>,
    /// So many are kept without a further look. 0 unless the pool is open.
    quota: Cell<usize>,
    /// How many bytes of each can take memory. 0 unless the pool is open.
    footprint: Cell<usize>,
}

impl SizeList {
    const fn new() -> SizeList {
        SizeList {
            first: Cell::new(None),
            len: Cell::new(0),
            quota: Cell::new(0),
            footprint: Cell::new(0),
        }
    }

    /// A stack, which is the caller's now.
    #[inline]
    fn take(&self) -> Option<NonNull<StackHeader>> {
        let header = self.first.get()?;
        // SAFETY: kept stacks are owned by the list.
        self.first.set(unsafe { header.as_ref() }.next);
        self.len.set(self.len.get() - 1);
        Some(header)
    }

    /// # Safety
    /// The caller owns the stack and gives it to the list, whose size it has.
    #[inline]
    unsafe fn push(&self, mut header: NonNull<StackHeader>) {
        // SAFETY: the header is the list's.
        unsafe { header.as_mut() }.next = self.first.get();
        self.first.set(Some(header));
        self.len.set(self.len.get() + 1);
    }

    /// How many stacks it has, or may have without a further look.
    fn claim(&self) -> usize {
        self.len.get().max(self.quota.get())
    }

    /// The bytes that were found resident in stacks beyond the quota.
    fn found_resident(&self) -> usize {
        let looked = self.len.get() > self.quota.get();
        self.first.get().filter(|_| looked).map_or(0, |first| {
            // SAFETY: kept stacks are owned by the list.
            unsafe { first.as_ref() }.resident
        })
    }
}

/// The lists of a thread.
pub(super) struct ThreadPool {
    /// By the number of their class; the last one is [`UNPOOLED`].
    lists: [SizeList; CLASSES + 1],
    life: Cell<Life>,
    config: Cell<PoolConfig>,
    missed: Cell<u64>,
    refused: Cell<u64>,
}

impl ThreadPool {
    const fn new() -> ThreadPool {
        ThreadPool {
            lists: [const { SizeList::new() }; CLASSES + 1],
            life: Cell::new(Life::Unused),
            config: Cell::new(PoolConfig::new()),
            missed: Cell::new(0),
            refused: Cell::new(0),
        }
    }

    pub(super) fn kept(&self) -> usize {
        self.lists.iter().map(|list| list.len.get()).sum()
    }

    /// A stack, which is the caller's now.
    #[inline]
    pub(super) fn take(&self, class: SizeClass) -> Option<NonNull<StackHeader>> {
        self.lists[usize::from(class.number())].take()
    }

    /// The list of a stack's size.
    ///
    /// # Safety
    /// The header is that of a [`PooledStack`](super::PooledStack).
    #[inline]
    unsafe fn list(&self, header: NonNull<StackHeader>) -> &SizeList {
        // SAFETY: readable, as the caller says.
        let class = unsafe { header.as_ref() }.class;
        // SAFETY: `PooledStack` has put in the number of a class, or `UNPOOLED`.
        unsafe { assert_unchecked(class <= UNPOOLED) };
        &self.lists[usize::from(class)]
    }

    /// Whether the stack is the pool's now: not if it has another size than the default, or
    /// if the pool wants a look first.
    ///
    /// # Safety
    /// As [`keep`](ThreadPool::keep).
    #[inline]
    pub(super) unsafe fn keep_usual(&self, header: NonNull<StackHeader>) -> bool {
        const USUAL: u8 = SizeClass::DEFAULT.number();
        let list = &self.lists[USUAL as usize];
        // SAFETY: the header of a `PooledStack`.
        let usual = unsafe { header.as_ref() }.class == USUAL;
        let kept = usual && list.len.get() < list.quota.get();
        if kept {
            // SAFETY: the caller gives the stack away; it has the size of the list.
            unsafe { list.push(header) };
        }
        kept
    }

    /// Whether the stack is the pool's now: not if the pool wants a look first.
    ///
    /// # Safety
    /// The stack is that of a [`PooledStack`](super::PooledStack) of the caller, which gives it
    /// away if it is kept; nothing on it is alive.
    #[inline]
    pub(super) unsafe fn keep(&self, header: NonNull<StackHeader>) -> bool {
        // SAFETY: the header of a `PooledStack`.
        let list = unsafe { self.list(header) };
        let kept = list.len.get() < list.quota.get();
        if kept {
            // SAFETY: the caller gives the stack away; the list is that of its size.
            unsafe { list.push(header) };
        }
        kept
    }

    /// Whether the stack is the pool's now: not if there are too many, or if it
    /// would be too large.
    ///
    /// # Safety
    /// As [`keep`](ThreadPool::keep).
    pub(super) unsafe fn keep_within_budget(&self, mut header: NonNull<StackHeader>) -> bool {
        self.open();
        // SAFETY: the header of a `PooledStack`.
        let list = unsafe { self.list(header) };
        let kept = self.life.get() == Life::Open
            && (list.len.get() < list.quota.get()
                || self.grant(list)
                // SAFETY: the caller gives its stack, with nothing alive on it.
                || unsafe { self.fit(list, header.as_mut()) });
        if kept {
            // SAFETY: the caller gives the stack away; the list is that of its size.
            unsafe { list.push(header) };
        } else {
            self.refused.set(self.refused.get() + 1);
        }
        kept
    }

    /// Notes how much of the stack was used, and clears it for its next user, if the
    /// pool is to measure.
    ///
    /// # Safety
    /// As [`keep`](ThreadPool::keep).
    pub(super) unsafe fn measure(&self, header: NonNull<StackHeader>) {
        if self.config.get().measure {
            // SAFETY: the stack below its header, which is the caller's and has nothing
            // alive on it.
            unsafe {
                let mark = usage::mark(header.as_ref().limit, header.cast());
                USAGE.with_borrow_mut(|usage| usage.record(mark));
                self.prepare(header);
            }
        }
    }

    /// Clears a stack that may have been used before, if the pool is to measure.
    ///
    /// # Safety
    /// As [`keep`](ThreadPool::keep).
    pub(super) unsafe fn prepare(&self, mut header: NonNull<StackHeader>) {
        // SAFETY: the caller gives its stack, with nothing alive on it.
        unsafe {
            // Stacks beyond the largest class are new each time.
            if self.config.get().measure && header.as_ref().class != UNPOOLED {
                header.as_mut().clear();
            }
        }
    }

    // Apart, as in `with_pool`.
    #[inline(never)]
    pub(super) fn usage() -> UsageReport {
        USAGE.with_borrow(UsageReport::clone)
    }

    /// Takes the pool into use, if it has not been yet.
    fn open(&self) {
        if self.life.get() == Life::Unused && REAPER.try_with(|_| ()).is_ok() {
            for (list, class) in self.lists.iter().zip(SizeClass::all()) {
                list.footprint.set(class.footprint());
            }
            self.life.set(Life::Open);
        }
    }

    /// How many bytes kept stacks may hold: with a look at each, and those without.
    fn bytes(&self) -> (usize, usize) {
        let config = self.config.get();
        let default = &self.lists[usize::from(SizeClass::DEFAULT.number())];
        let usual = config.kept_stacks.saturating_mul(default.footprint.get());
        let bytes = config.kept_bytes.unwrap_or(usual);
        let unmeasured = match config.measure {
            true => 0,
            false if usual <= bytes => bytes,
            false => bytes / 2,
        };
        (bytes - unmeasured, unmeasured)
    }

    /// Raises the quota of a list, if the budgets allow it.
    fn grant(&self, list: &SizeList) -> bool {
        // Under memcheck each stack is looked at when it comes back: what ran on it must be forgotten.
        if valgrind::is_memcheck() {
            return false;
        }
        let (_, bytes) = self.bytes();
        let mut more = self.room(list, bytes);
        if more == 0 {
            // What others do not use.
            self.revoke();
            more = self.room(list, bytes);
        }
        // Some at a time, so that another list seldom finds all of it taken.
        let some = (self.config.get().kept_stacks / 16).max(1);
        list.quota.set(list.quota.get() + more.min(some));
        more > 0
    }

    /// By how many stacks the quota of a list may be raised.
    fn room(&self, list: &SizeList, bytes: usize) -> usize {
        let granted = self
            .lists
            .iter()
            .map(|list| list.quota.get() * list.footprint.get());
        let left = bytes.saturating_sub(granted.sum());
        let Some(stacks) = left.checked_div(list.footprint.get()) else {
            // The list of those that are not kept.
            return 0;
        };
        stacks.min(self.config.get().kept_stacks.saturating_sub(self.claims()))
    }

    fn claims(&self) -> usize {
        self.lists.iter().map(SizeList::claim).sum()
    }

    /// Takes back quotas that are not used.
    fn revoke(&self) {
        for list in &self.lists {
            list.quota.set(list.quota.get().min(list.len.get()));
        }
    }

    /// Gives back what is too much of the stack. False if the pool cannot keep
    /// even the least of it.
    ///
    /// # Safety
    /// Nothing on the stack is alive.
    unsafe fn fit(&self, list: &SizeList, header: &mut StackHeader) -> bool {
        let (most, _) = self.bytes();
        if list.footprint.get() == 0 || most == 0 || self.claims() >= self.config.get().kept_stacks
        {
            return false;
        }
        let before = list.found_resident();
        let all: usize = self.lists.iter().map(SizeList::found_resident).sum();
        let others = all - before;
        header.resident = before + header.count_resident();
        if others + header.resident > most {
            // SAFETY: the caller says that nothing on it is alive.
            unsafe { header.give_back_pages() };
            header.resident = before + header.count_resident();
        }
        others + header.resident <= most
    }

    pub(super) fn configure(&self, config: PoolConfig) {
        self.trim();
        self.revoke();
        self.config.set(config);
    }

    pub(super) fn trim(&self) -> usize {
        self.empty(Reuse::GiveBack)
    }

    fn empty(&self, reuse: Reuse) -> usize {
        let mut count = 0;
        for list in &self.lists {
            while let Some(header) = list.take() {
                // SAFETY: taken from the list.
                unsafe { release(header, reuse) };
                count += 1;
            }
        }
        count
    }

    pub(super) fn count_miss(&self) {
        self.missed.set(self.missed.get() + 1);
    }

    pub(super) fn statistics(&self) -> PoolStatistics {
        let mut statistics = PoolStatistics {
            kept: self.kept(),
            resident_bytes: 0,
            missed: self.missed.get(),
            refused: self.refused.get(),
        };
        for list in &self.lists {
            let mut next = list.first.get();
            while let Some(header) = next {
                // SAFETY: kept stacks are owned by the list.
                let header = unsafe { header.as_ref() };
                statistics.resident_bytes += header.count_resident();
                next = header.next;
            }
        }
        statistics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_bytes_are_for_stacks_without_a_look_if_they_might_exceed_them() {
        let pool = ThreadPool::new();
        pool.open();
        let split = |config| {
            pool.config.set(config);
            pool.bytes()
        };
        let some = PoolConfig::new().kept_bytes(1 << 20);
        assert_eq!(split(some), (512 << 10, 512 << 10));
        assert_eq!(split(some.measure(true)), (1 << 20, 0));
        assert_eq!(split(PoolConfig::new().kept_bytes(1 << 30)), (0, 1 << 30));
    }

    #[test]
    fn what_was_found_in_stacks_within_the_quota_is_of_before() {
        let list = SizeList::new();
        let stack = crate::StackArena::new(16 << 10)
            .unwrap()
            .allocate()
            .unwrap();
        let mut header = stack.into_header();
        // SAFETY: the header of a stack of the test's own, which stays where it is.
        unsafe {
            header.as_mut().resident = 5000;
            list.push(header);
        }
        assert_eq!(list.found_resident(), 5000);
        list.quota.set(1);
        assert_eq!(list.found_resident(), 0);
        let header = list.take().expect("it was pushed");
        // SAFETY: the header of a stack of the test's own, which is given back once.
        unsafe { crate::hosted::arena::release(header, Reuse::GiveBack) };
    }

    #[test]
    fn a_list_is_granted_a_sixteenth_at_a_time() {
        let pool = ThreadPool::new();
        pool.open();
        let list = &pool.lists[usize::from(SizeClass::DEFAULT.number())];
        for granted in [16, 32, 48] {
            assert!(pool.grant(list));
            assert_eq!(list.quota.get(), granted);
        }
        pool.config.set(PoolConfig::new().kept_stacks(3));
        list.quota.set(0);
        assert!(pool.grant(list));
        assert_eq!(list.quota.get(), 1);
    }
}
