//! The records of all threads, in one list.
//!
//! A debugger finds it by the name of a symbol, and walks it without the program's help:
//! `ARCHITECTURE.md`, "What a debugger finds in memory".

use super::record::{Birth, Record};
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicPtr, AtomicUsize};
use std::boxed::Box;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

/// The layout of [`Tracked`] and of [`Record`]; another number for another layout.
pub(super) const LAYOUT: u32 = 1;

/// What a debugger begins with.
#[repr(C)]
pub(super) struct Tracked {
    layout: u32,
    /// Bytes of the part of a record that the layout describes.
    record_size: u32,
    first: AtomicPtr<Record>,
    count: AtomicUsize,
}

/// The list, newest record first. The name has the crate's version, so that a program may have
/// two of them.
#[used]
#[unsafe(export_name = "CORO_TRACKED_0_1")]
static TRACKED: Tracked = Tracked {
    layout: LAYOUT,
    record_size: Record::DESCRIBED as u32,
    first: AtomicPtr::new(ptr::null_mut()),
    count: AtomicUsize::new(0),
};

/// Guards the links of the list.
static LOCK: Mutex<()> = Mutex::new(());

fn lock() -> MutexGuard<'static, ()> {
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A record in the list. It is taken out and freed when this is dropped.
pub(crate) struct Entry(NonNull<Record>);

impl Entry {
    /// # Safety
    /// What the birth points to stays valid until the entry is dropped.
    pub(crate) unsafe fn new(birth: &Birth) -> Entry {
        let record = NonNull::from(Box::leak(Box::new(Record::new(birth))));
        let _locked = lock();
        let second = TRACKED.first.load(Relaxed);
        // SAFETY: it has just been made; the lock guards the links, and what is linked is alive.
        unsafe {
            record.as_ref().next.store(second, Relaxed);
            if let Some(second) = second.as_ref() {
                second.previous.store(record.as_ptr(), Relaxed);
            }
        }
        TRACKED.first.store(record.as_ptr(), Relaxed);
        TRACKED.count.fetch_add(1, Relaxed);
        Entry(record)
    }

    pub(crate) fn record(&self) -> &Record {
        // SAFETY: the record is freed by the drop only.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let locked = lock();
        let record = self.record();
        let (previous, next) = (record.previous.load(Relaxed), record.next.load(Relaxed));
        // SAFETY: the lock guards the links, and what is linked is alive.
        unsafe {
            if let Some(next) = next.as_ref() {
                next.previous.store(previous, Relaxed);
            }
            match previous.as_ref() {
                Some(previous) => previous.next.store(next, Relaxed),
                None => TRACKED.first.store(next, Relaxed),
            }
        }
        TRACKED.count.fetch_sub(1, Relaxed);
        drop(locked);
        // SAFETY: it came from a box, and is out of the list, so that nothing leads to it.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// Calls `f` with all records, oldest first, while none comes or goes.
pub(super) fn with<R>(f: impl FnOnce(&[&Record]) -> R) -> R {
    let _locked = lock();
    let mut records = Vec::with_capacity(TRACKED.count.load(Relaxed));
    let mut next = TRACKED.first.load(Relaxed);
    // SAFETY: what is linked is alive as long as the lock is held.
    while let Some(record) = unsafe { next.as_ref() } {
        records.push(record);
        next = record.next.load(Relaxed);
    }
    records.reverse();
    f(&records)
}
