//! Where every suspended coroutine is.

mod clock;
mod record;
mod registry;
mod suspend;
mod thread;
mod tracked;

pub use tracked::{Tracked, list};

pub(crate) use record::Record;
pub(crate) use registry::Entry;

use crate::SuspendHandle;
use core::panic::Location;
use core::ptr::NonNull;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::Relaxed;
use record::Birth;
use sure_stack::Stack;

static ENABLED: AtomicBool = AtomicBool::new(false);

/// Tracks all coroutines that are created from now on, on all threads.
pub fn enable() {
    ENABLED.store(true, Relaxed);
}

/// Whether [`enable`] was called.
#[inline(always)]
pub fn is_enabled() -> bool {
    ENABLED.load(Relaxed)
}

/// A safe point.
pub fn checkpoint() {}

/// Tracks a coroutine from its beginning.
///
/// # Safety
/// 1. The handle is that of a coroutine on this stack, which was not resumed yet.
/// 2. Nothing else uses the handle meanwhile.
#[cold]
#[inline(never)]
pub(crate) unsafe fn begin<Input, Yield>(
    mut handle: NonNull<SuspendHandle<Input, Yield>>,
    stack: &(impl Stack + ?Sized),
    created: &'static Location<'static>,
) {
    // SAFETY: a handle (1), which nothing else uses (2).
    let handle = unsafe { handle.as_mut() };
    let birth = Birth {
        stage: handle.stage.as_ptr(),
        handle: core::ptr::from_ref(handle).cast(),
        low: stack.limit().as_ptr().expose_provenance(),
        high: stack.base().as_ptr().expose_provenance(),
        name: core::ptr::from_ref(handle.name().unwrap_or_default().as_bytes()),
        created,
    };
    // SAFETY: the handle keeps the entry, and drops it before it ends itself and before its name.
    handle.extras.keep(unsafe { Entry::new(&birth) });
    // Every suspend asks what is wrong, and finds the record.
    handle.extent.set(0);
}
