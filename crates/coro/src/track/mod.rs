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

use crate::{SuspendHandle, minimum};
use core::panic::Location;
use core::ptr::NonNull;
use record::Birth;

/// Tracks all coroutines that are created from now on, on all threads.
pub fn enable() {
    minimum::look_twice();
}

/// A safe point.
pub fn checkpoint() {}

/// Tracks a coroutine from its beginning.
///
/// # Safety
/// 1. The handle is at the root of a coroutine on the stack with these bounds, which was not
///    resumed yet.
/// 2. Nothing else uses the handle meanwhile.
#[track_caller]
pub(crate) unsafe fn begin<Input, Yield>(
    mut handle: NonNull<SuspendHandle<Input, Yield>>,
    low: NonNull<u8>,
    high: NonNull<u8>,
) {
    // SAFETY: a handle (1), which nothing else uses (2).
    let handle = unsafe { handle.as_mut() };
    let birth = Birth {
        stage: handle.stage.as_ptr(),
        handle: core::ptr::from_ref(handle).cast(),
        low: low.as_ptr().expose_provenance(),
        high: high.as_ptr().expose_provenance(),
        name: core::ptr::from_ref(handle.name().unwrap_or_default().as_bytes()),
        created: Location::caller(),
    };
    // SAFETY: the handle keeps the entry, and drops it before it ends itself and before its name.
    handle.extras.keep(unsafe { Entry::new(&birth) });
    // Every suspend is refused at first sight, and finds the record then.
    handle.extent.set(0);
}
