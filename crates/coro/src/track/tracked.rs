//! What is told of a coroutine that is tracked.

use super::record::Record;
use super::{clock, registry, thread};
use crate::Status;
use core::panic::Location;
use core::ptr::NonNull;
use core::time::Duration;
use std::boxed::Box;
use std::vec::Vec;
use sure_context::ExecutionContext;
use sure_stack::{Stack, StackSize, high_water_mark};

/// What was known of a tracked coroutine when it was asked: see [`list`].
#[derive(Clone, Debug)]
pub struct Tracked {
    number: usize,
    name: Option<Box<str>>,
    status: Status,
    stack_size: usize,
    bytes_in_use: Option<usize>,
    high_water_mark: usize,
    created_at: &'static Location<'static>,
    suspended_at: Option<&'static Location<'static>>,
    suspended_for: Option<Duration>,
    waits_for: Option<&'static str>,
}

/// The tracked coroutines that were created on this thread, oldest first, whatever owns them.
///
/// It looks at each stack for its [high-water mark](Tracked::high_water_mark), which takes about a
/// microsecond, and holds no lock meanwhile.
///
/// ```
/// use coro::{Coroutine, SuspendHandle, track};
///
/// let mut worker = Coroutine::builder()
///     .name("worker")
///     .tracked(true)
///     .build(|handle: &SuspendHandle<(), u8>, ()| handle.suspend(1))?;
/// worker.resume(());
///
/// let all = track::list();
/// assert_eq!(all[0].name(), Some("worker"));
/// assert_eq!(all[0].status(), coro::Status::Suspended);
/// assert!(all[0].suspended_at().is_some_and(|place| place.file().ends_with(".rs")));
/// # Ok::<(), sure_stack::StackError>(())
/// ```
pub fn list() -> Vec<Tracked> {
    // SAFETY: `mine` gives records of this thread.
    mine(|record| unsafe { Tracked::of(record) })
}

/// What `f` makes of the record of each coroutine of this thread, oldest first. The lock of the list
/// is not held meanwhile.
pub(super) fn mine<R>(f: impl Fn(&Record) -> R) -> Vec<R> {
    let me = thread::number();
    let mine: Vec<_> = registry::with(|records| {
        let mine = records.iter().filter(|record| record.owner() == me);
        mine.map(|record| NonNull::from(*record)).collect()
    });
    // SAFETY: a record goes with its coroutine, which is dropped on this thread; nothing that is
    // called here drops one.
    mine.iter()
        .map(|record| f(unsafe { record.as_ref() }))
        .collect()
}

impl Tracked {
    /// # Safety
    /// The record is that of a coroutine of this thread.
    pub(super) unsafe fn of(record: &Record) -> Tracked {
        let status = record.status();
        let suspended = status == Status::Suspended;
        let bounds = Bounds::of(record);
        Tracked {
            number: record.number(),
            name: record.name().map(Box::from),
            status,
            stack_size: bounds.size(),
            // SAFETY: the coroutine is of this thread, as the caller promises.
            bytes_in_use: unsafe { bytes_in_use(record) },
            high_water_mark: high_water_mark(&bounds),
            created_at: record.created(),
            suspended_at: record.suspended_at().filter(|_| suspended),
            suspended_for: suspended.then(|| clock::now().saturating_sub(record.since())),
            waits_for: record.awaits().filter(|_| suspended),
        }
    }

    /// Counts the coroutines that were ever tracked in this process, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The name, if it was given one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where it stands in its life.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The size of its stack, in bytes, without the guard.
    pub fn stack_size(&self) -> usize {
        self.stack_size
    }

    /// How many bytes of its stack its frames take while it is suspended, the closure and the
    /// root included. `None` in other states, while it is suspended on a stack by which it has
    /// [grown](crate::grow()), and with the portable backend.
    pub fn bytes_in_use(&self) -> Option<usize> {
        self.bytes_in_use
    }

    /// The most bytes of its stack that were in use at once: see [`sure_stack::high_water_mark`],
    /// of which one limit matters here: a stack from a pool has been used before.
    pub fn high_water_mark(&self) -> usize {
        self.high_water_mark
    }

    /// The call that has created it.
    pub fn created_at(&self) -> &'static Location<'static> {
        self.created_at
    }

    /// The call that has suspended it, if it is suspended: of `suspend`, `block_on`, and others
    /// of this crate.
    pub fn suspended_at(&self) -> Option<&'static Location<'static>> {
        self.suspended_at
    }

    /// How long it has been suspended, if it is, by the monotonic clock.
    pub fn suspended_for(&self) -> Option<Duration> {
        self.suspended_for
    }

    /// The type of the future for which a [`block_on`](crate::AsyncHandle::block_on) waits, as
    /// [`type_name`](core::any::type_name) says it.
    pub fn waits_for(&self) -> Option<&'static str> {
        self.waits_for
    }
}

/// How many bytes of its stack a coroutine has in use, if it is suspended there.
///
/// # Safety
/// The record is that of a coroutine of this thread.
unsafe fn bytes_in_use(record: &Record) -> Option<usize> {
    // SAFETY: the number of a token, which is not used: only its registers are looked at.
    let context = unsafe { ExecutionContext::from_raw(record.context()?) };
    // SAFETY: (1) the record goes before the stack; (2) the coroutine is suspended, and this is
    // the only thread that could resume it.
    let lowest = unsafe { context.stack_pointer() }.addr() - ExecutionContext::BYTES_BELOW;
    let _ = context.into_raw();
    let (low, high) = record.bounds();
    (low..high).contains(&lowest).then(|| high - lowest)
}

/// The stack of a coroutine, looked at.
pub(super) struct Bounds {
    pub(super) limit: NonNull<u8>,
    pub(super) base: NonNull<u8>,
}

impl Bounds {
    pub(super) fn of(record: &Record) -> Bounds {
        let (low, high) = record.bounds();
        let at = |address: usize| {
            NonNull::new(core::ptr::with_exposed_provenance_mut(address)).expect("a stack's bound")
        };
        Bounds {
            limit: at(low),
            base: at(high),
        }
    }
}

// SAFETY: these are the bounds of a stack, which keeps the promises; nothing runs on this view.
unsafe impl Stack for Bounds {
    fn base(&self) -> NonNull<u8> {
        self.base
    }

    fn limit(&self) -> NonNull<u8> {
        self.limit
    }
}
