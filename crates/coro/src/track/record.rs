//! What is kept of a tracked coroutine, where debuggers find it too.
//!
//! The fields up to `thread` are the layout of which `ARCHITECTURE.md` tells ("What a debugger
//! finds in memory"); a change of them changes [`LAYOUT`](super::registry::LAYOUT).
//! What changes after the creation is atomic, because other threads look at it; each is written
//! by the thread on which the coroutine is, and by no other.

#[cfg(test)]
mod in_gdb;

use super::{clock, thread};
use crate::Status;
use crate::handle::Stage;
use crate::resumer::Resumer;
use core::mem::offset_of;
use core::num::NonZeroUsize;
use core::panic::Location;
use core::ptr;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize};
use core::time::Duration;
use sure_context::ExecutionContext;

/// A record lives as long as the root of its coroutine.
#[repr(C)]
pub(crate) struct Record {
    /// The list of all threads' records, whose lock guards these two.
    pub(super) next: AtomicPtr<Record>,
    pub(super) previous: AtomicPtr<Record>,
    /// Where the coroutine's registers are saved; 0 unless it is suspended.
    context: AtomicUsize,
    /// The first byte of the handle's stage.
    stage: *const u8,
    /// The stack: its lowest usable address, and its end.
    low: usize,
    high: usize,
    /// The coroutine's handle, which begins with the link to its resumer.
    handle: *const u8,
    /// UTF-8, of no bytes if it has no name.
    name: *const u8,
    name_length: usize,
    created_file: *const u8,
    created_file_length: usize,
    /// Where it was suspended last; null before the first time.
    suspended_file: AtomicPtr<u8>,
    suspended_file_length: AtomicUsize,
    /// The type of the future for which it waits; null if it does not.
    awaits: AtomicPtr<u8>,
    awaits_length: AtomicUsize,
    /// Counts the coroutines that were ever tracked, from 1.
    number: usize,
    created_line: u32,
    suspended_line: AtomicU32,
    /// When it was suspended last, since tracking began.
    since_seconds: AtomicU32,
    since_nanoseconds: AtomicU32,
    /// Whether it is suspended: 1, or 0.
    suspended: AtomicU32,
    /// The kernel's number of the thread on which it was created; 0 where that is not known.
    thread: AtomicU32,

    created: &'static Location<'static>,
    suspended_at: AtomicPtr<Location<'static>>,
    /// This library's number of the thread.
    owner: AtomicUsize,
}

/// What a record is made of.
pub(crate) struct Birth {
    pub(crate) stage: *const Stage,
    pub(crate) handle: *const u8,
    pub(crate) low: usize,
    pub(crate) high: usize,
    /// UTF-8; it stays where it is as long as the record.
    pub(crate) name: *const [u8],
    pub(crate) created: &'static Location<'static>,
}

/// The first byte of [`Stage::Created`] and of [`Stage::Complete`].
const CREATED: u8 = 0;
const COMPLETE: u8 = 3;

/// How many records there were.
static COUNT: AtomicUsize = AtomicUsize::new(0);

impl Record {
    /// Bytes of the fields that debuggers know.
    pub(super) const DESCRIBED: usize = offset_of!(Record, thread) + size_of::<AtomicU32>();

    pub(super) fn new(birth: &Birth) -> Record {
        let name = birth.name;
        Record {
            next: AtomicPtr::new(ptr::null_mut()),
            previous: AtomicPtr::new(ptr::null_mut()),
            context: AtomicUsize::new(0),
            stage: birth.stage.cast(),
            low: birth.low,
            high: birth.high,
            handle: birth.handle,
            name: name.cast(),
            name_length: name.len(),
            created_file: birth.created.file().as_ptr(),
            created_file_length: birth.created.file().len(),
            suspended_file: AtomicPtr::new(ptr::null_mut()),
            suspended_file_length: AtomicUsize::new(0),
            awaits: AtomicPtr::new(ptr::null_mut()),
            awaits_length: AtomicUsize::new(0),
            number: COUNT.fetch_add(1, Relaxed) + 1,
            created_line: birth.created.line(),
            suspended_line: AtomicU32::new(0),
            since_seconds: AtomicU32::new(0),
            since_nanoseconds: AtomicU32::new(0),
            suspended: AtomicU32::new(0),
            thread: AtomicU32::new(thread::kernel_number()),
            created: birth.created,
            suspended_at: AtomicPtr::new(ptr::null_mut()),
            owner: AtomicUsize::new(thread::number()),
        }
    }
}

/// What the coroutine does with its record, on its own thread.
impl Record {
    /// Notes where and when the coroutine suspends itself: it does so next.
    pub(crate) fn suspends_at(&self, place: &'static Location<'static>) {
        let now = clock::now();
        self.since_seconds.store(now.as_secs() as u32, Relaxed);
        self.since_nanoseconds.store(now.subsec_nanos(), Relaxed);
        let file = place.file();
        self.suspended_file.store(file.as_ptr().cast_mut(), Relaxed);
        self.suspended_file_length.store(file.len(), Relaxed);
        self.suspended_line.store(place.line(), Relaxed);
        let place = ptr::from_ref(place).cast_mut();
        self.suspended_at.store(place, Relaxed);
    }

    /// Notes that the coroutine is suspended, and with which context, if that is known.
    pub(crate) fn is_suspended(&self, context: Option<&ExecutionContext>) {
        let context = context.map_or(0, |context| context.as_raw().get());
        self.context.store(context, Relaxed);
        self.suspended.store(1, Relaxed);
    }

    /// Notes that the coroutine runs again.
    pub(crate) fn runs(&self) {
        self.suspended.store(0, Relaxed);
        self.context.store(0, Relaxed);
        self.awaits.store(ptr::null_mut(), Relaxed);
        self.awaits_length.store(0, Relaxed);
    }

    /// Notes for what the next suspend waits.
    #[cfg(feature = "async")]
    pub(crate) fn waits_for(&self, what: &'static str) {
        self.awaits.store(what.as_ptr().cast_mut(), Relaxed);
        self.awaits_length.store(what.len(), Relaxed);
    }

    /// Whether an address is on the coroutine's stack, below its handle.
    pub(crate) fn holds(&self, address: usize) -> bool {
        (self.low..self.handle.addr()).contains(&address)
    }

    /// The number of the context with which the coroutine is suspended.
    pub(crate) fn context(&self) -> Option<NonZeroUsize> {
        NonZeroUsize::new(self.context.load(Relaxed))
    }

    pub(crate) fn created(&self) -> &'static Location<'static> {
        self.created
    }
}

/// What is read of it for a list: on its own thread, but for what says otherwise.
impl Record {
    /// The thread whose it is. Any thread may ask.
    pub(super) fn owner(&self) -> usize {
        self.owner.load(Relaxed)
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }

    pub(super) fn bounds(&self) -> (usize, usize) {
        (self.low, self.high)
    }

    /// The link at the coroutine's root.
    pub(super) fn resumer(&self) -> &Resumer {
        // SAFETY: a handle begins with it, and outlives the record.
        unsafe { &*self.handle.cast::<Resumer>() }
    }

    /// Whether it is suspended. Other threads may ask, for what it is worth then.
    pub(super) fn waits(&self) -> bool {
        self.suspended.load(Relaxed) == 1
    }

    pub(super) fn name(&self) -> Option<&str> {
        if self.name_length == 0 {
            return None;
        }
        // SAFETY: a `str` that outlives the record, as its maker promises.
        Some(unsafe {
            str::from_utf8_unchecked(core::slice::from_raw_parts(self.name, self.name_length))
        })
    }

    pub(super) fn status(&self) -> Status {
        // SAFETY: the byte is in the handle, which outlives the record, and changes on this thread.
        let stage = unsafe { self.stage.read() };
        match stage {
            CREATED => Status::Created,
            COMPLETE => Status::Complete,
            _ if self.waits() => Status::Suspended,
            _ => Status::Running,
        }
    }

    /// Where it was suspended last. Any thread may ask.
    pub(super) fn suspended_at(&self) -> Option<&'static Location<'static>> {
        // SAFETY: null, or what a suspend has stored: a reference for `'static`.
        unsafe { self.suspended_at.load(Relaxed).as_ref() }
    }

    pub(super) fn since(&self) -> Duration {
        let seconds = self.since_seconds.load(Relaxed);
        Duration::new(seconds.into(), self.since_nanoseconds.load(Relaxed))
    }

    pub(super) fn awaits(&self) -> Option<&'static str> {
        let (start, length) = (self.awaits.load(Relaxed), self.awaits_length.load(Relaxed));
        // SAFETY: the owner's thread has stored the two, of one `str` for `'static`, and reads them.
        (!start.is_null()).then(|| unsafe {
            str::from_utf8_unchecked(core::slice::from_raw_parts(start, length))
        })
    }
}
