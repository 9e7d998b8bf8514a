//! The free stacks of one thread.

use super::PooledStack;
use super::config::{PoolConfig, PoolStatistics};
use crate::hosted::arena::{Reuse, StackHeader, release};
use crate::hosted::usage::{self, UsageReport};
use core::cell::{Cell, RefCell};
use core::ptr::NonNull;

thread_local! {
    // Without a destructor, so that it can be used until the thread is gone.
    pub(super) static POOL: FreeList = const { FreeList::new() };
    /// What was measured on this thread. Without a destructor, too.
    static USAGE: RefCell<UsageReport> = const { RefCell::new(UsageReport::new()) };
    /// Empties the pool when its thread ends.
    static REAPER: Reaper = const { Reaper };
}

struct Reaper;

impl Drop for Reaper {
    fn drop(&mut self) {
        POOL.with(|pool| {
            pool.life.set(Life::Over);
            pool.unlooked.set(0);
            pool.empty(Reuse::Keep);
        });
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    /// Nothing was kept yet, so nobody will empty the pool.
    Unused,
    Open,
    /// Emptied for good.
    Over,
}

/// A list of stacks, threaded through their headers.
pub(super) struct FreeList {
    first: Cell<Option<NonNull<StackHeader>>>,
    len: Cell<usize>,
    /// So many are kept without a further look. 0 unless the pool is open.
    unlooked: Cell<usize>,
    life: Cell<Life>,
    config: Cell<PoolConfig>,
    missed: Cell<u64>,
    refused: Cell<u64>,
}

impl FreeList {
    const fn new() -> FreeList {
        FreeList {
            first: Cell::new(None),
            len: Cell::new(0),
            unlooked: Cell::new(0),
            life: Cell::new(Life::Unused),
            config: Cell::new(PoolConfig::new()),
            missed: Cell::new(0),
            refused: Cell::new(0),
        }
    }

    pub(super) fn kept(&self) -> usize {
        self.len.get()
    }

    /// A stack, which is the caller's now.
    #[inline]
    pub(super) fn take(&self) -> Option<NonNull<StackHeader>> {
        let header = self.first.get()?;
        // SAFETY: kept stacks are owned by the list.
        self.first.set(unsafe { header.as_ref() }.next);
        self.len.set(self.len.get() - 1);
        Some(header)
    }

    /// Whether the stack is the pool's now: not if it wants a look first.
    ///
    /// # Safety
    /// The stack is the caller's, who gives it away if it is kept; nothing on it
    /// is alive. It has the default size.
    #[inline]
    pub(super) unsafe fn keep(&self, header: NonNull<StackHeader>) -> bool {
        let kept = self.len.get() < self.unlooked.get();
        if kept {
            // SAFETY: the caller's promise.
            unsafe { self.push(header) };
        }
        kept
    }

    /// # Safety
    /// The stack is the list's now.
    #[inline]
    unsafe fn push(&self, mut header: NonNull<StackHeader>) {
        // SAFETY: the list's.
        unsafe { header.as_mut() }.next = self.first.get();
        self.first.set(Some(header));
        self.len.set(self.len.get() + 1);
    }

    /// Whether the stack is the pool's now: not if there are too many, or if it
    /// would be too large.
    ///
    /// # Safety
    /// As [`keep`](FreeList::keep).
    pub(super) unsafe fn keep_after_a_look(&self, mut header: NonNull<StackHeader>) -> bool {
        self.open();
        let config = self.config.get();
        let room = self.life.get() == Life::Open && self.len.get() < config.kept_stacks;
        let looked = self.len.get() >= self.unlooked.get();
        // SAFETY: the caller's stack, with nothing alive on it.
        let kept = room && (!looked || unsafe { self.fit(header.as_mut(), config) });
        if kept {
            // SAFETY: the caller's promise.
            unsafe { self.push(header) };
        } else {
            self.refused.set(self.refused.get() + 1);
        }
        kept
    }

    /// Notes how much of the stack was used, and clears it for its next user, if the
    /// pool is to measure.
    ///
    /// # Safety
    /// The stack is the caller's, and nothing on it is alive.
    pub(super) unsafe fn measure(&self, header: NonNull<StackHeader>) {
        if self.config.get().measure {
            // SAFETY: the stack below its header; the caller's promise.
            unsafe {
                let mark = usage::mark(header.as_ref().limit, header.cast());
                USAGE.with_borrow_mut(|usage| usage.record(mark));
                self.prepare(header);
            }
        }
    }

    /// Clears a stack that somebody may have used before, if the pool is to measure.
    ///
    /// # Safety
    /// As [`measure`](FreeList::measure).
    pub(super) unsafe fn prepare(&self, mut header: NonNull<StackHeader>) {
        // SAFETY: the caller's promise.
        unsafe {
            // Stacks of other sizes are new each time.
            if self.config.get().measure && header.as_ref().poolable {
                header.as_mut().clear();
            }
        }
    }

    pub(super) fn usage() -> UsageReport {
        USAGE.with_borrow(UsageReport::clone)
    }

    /// Takes the pool into use, if it has not been yet.
    fn open(&self) {
        if self.life.get() == Life::Unused && REAPER.try_with(|_| ()).is_ok() {
            self.life.set(Life::Open);
            self.apply();
        }
    }

    /// Gives back what is too much of the stack. False if the pool cannot keep
    /// even the least of it.
    ///
    /// # Safety
    /// Nothing on the stack is alive.
    unsafe fn fit(&self, header: &mut StackHeader, config: PoolConfig) -> bool {
        // Those that nobody looked at may be full.
        let unlooked = self.unlooked.get() * PooledStack::arena().stack_bytes();
        let looked = self.len.get() > self.unlooked.get();
        let before = self.first.get().filter(|_| looked).map_or(0, |first| {
            // SAFETY: kept stacks are owned by the list.
            unsafe { first.as_ref() }.resident
        });
        let most = config.kept_bytes.saturating_sub(unlooked);
        header.resident = before.saturating_add(header.count_resident());
        if header.resident > most {
            // SAFETY: the caller's promise.
            unsafe { header.give_back_pages() };
            header.resident = before.saturating_add(header.count_resident());
        }
        header.resident <= most
    }

    /// Makes the configuration the pool's, which is empty and open.
    fn apply(&self) {
        let config = self.config.get();
        let bytes = PooledStack::arena().stack_bytes();
        self.unlooked.set(if config.measure {
            0
        } else if config.kept_stacks.saturating_mul(bytes) <= config.kept_bytes {
            config.kept_stacks
        } else {
            config.kept_stacks.min(config.kept_bytes / 2 / bytes)
        });
    }

    pub(super) fn configure(&self, config: PoolConfig) {
        self.trim();
        self.config.set(config);
        if self.life.get() == Life::Open {
            self.apply();
        }
    }

    pub(super) fn trim(&self) -> usize {
        self.empty(Reuse::GiveBack)
    }

    fn empty(&self, reuse: Reuse) -> usize {
        let mut count = 0;
        while let Some(header) = self.take() {
            // SAFETY: taken from the list.
            unsafe { release(header, reuse) };
            count += 1;
        }
        count
    }

    pub(super) fn count_miss(&self) {
        self.missed.set(self.missed.get() + 1);
    }

    pub(super) fn statistics(&self) -> PoolStatistics {
        let mut statistics = PoolStatistics {
            kept: self.len.get(),
            resident_bytes: 0,
            missed: self.missed.get(),
            refused: self.refused.get(),
        };
        let mut next = self.first.get();
        while let Some(header) = next {
            // SAFETY: kept stacks are owned by the list.
            let header = unsafe { header.as_ref() };
            statistics.resident_bytes += header.count_resident();
            next = header.next;
        }
        statistics
    }
}
