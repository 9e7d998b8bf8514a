//! Where every suspended coroutine is.

mod clock;
mod dump;
mod frames;
mod record;
mod registry;
mod rendezvous;
mod suspend;
mod thread;
mod tracked;

pub use dump::dump;
pub use rendezvous::{checkpoint, dump_all};
pub use tracked::{Tracked, list};

pub(crate) use record::Record;
pub(crate) use registry::Entry;

use crate::SuspendHandle;
use core::panic::Location;
use core::ptr::NonNull;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::Relaxed;
use record::Birth;
use std::format;
use std::string::String;
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
    rendezvous::join();
    // Every suspend asks what is wrong, and finds the record.
    handle.extent.set(0);
}

/// What the message about an overflow calls the stack of a tracked coroutine. Nothing where there
/// is no such message.
#[cold]
#[inline(never)]
pub(crate) fn title<Input, Yield>(handle: &SuspendHandle<Input, Yield>) -> String {
    match handle.extras.record() {
        Some(record) if sure_stack::overflow::is_installed() => {
            let name = handle.name().unwrap_or("an unnamed coroutine");
            format!("{name}, created at {}", record.created())
        }
        _ => String::new(),
    }
}
