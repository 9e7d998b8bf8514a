//! Where every suspended coroutine is: told by the program itself, when asked.
//!
//! A coroutine that is *tracked* leaves a record: its name, its stack, where it was created, where and
//! since when it is suspended. [`enable`] tracks all that are created from then on, on all threads;
//! [`Builder::tracked`](crate::Builder::tracked) a single one. ([`diagnostics::install`](crate::diagnostics::install)
//! does the former and more.) What there is to see:
//!
//! - [`list`]: the coroutines of this thread, one by one;
//! - [`dump`]: as a text, those that are stuck in the same place together, with a backtrace;
//! - [`dump_all`]: the same for all threads, each of which answers at a safe point;
//! - [`dump_on_signal`]: that, when the process gets a signal;
//! - a debugger finds the records in memory, also in a core (`ARCHITECTURE.md` in the repository).
//!
//! ```text
//! thread 'main': 1000 coroutines tracked, in 3 places
//!   500 coroutines suspended at src/pool.rs:41:16
//!       since 12.001 s to 12.004 s
//!       created at src/main.rs:18:10
//!       named `client 0`, `client 2`, `client 4`, and 497 more
//!       stack 262016 bytes, in use 784, at most 1180
//!          0: server::pool::wait_for_connection at ./src/pool.rs:41:16
//!          1: server::client at ./src/main.rs:30:22
//! ```
//!
//! # Cost
//!
//! - None for a coroutine that is not tracked, but two instructions when it is created: whether
//!   [`enable`] was called.
//! - For one that is: two allocations, some 250 bytes and a lock shared by all threads when it is created
//!   and when it is dropped; and with each suspend a look at the clock and a few frames more.
//!   `crates/benches` measures both.
//! - It needs some 700 bytes of stack below each suspend, for a moment.
//!
//! # Limits
//!
//! - A coroutine belongs to the thread on which it was created.
//! - A profiler's sample in the few instructions in which a tracked coroutine leaves shows no callers.
//! - With the portable backend of `sure-context`, where each coroutine is a thread of the system,
//!   there are no bytes in use and no backtraces. The rest is the same.

mod clock;
mod dump;
mod frames;
mod record;
mod registry;
mod rendezvous;
mod signal;
mod suspend;
mod thread;
mod tracked;

pub use dump::dump;
pub use rendezvous::{checkpoint, dump_all};
pub use signal::dump_on_signal;
pub use tracked::{Tracked, list};

pub(crate) use record::Record;
pub(crate) use registry::Entry;

use crate::coroutine::STACK_ADVICE;
use crate::{SuspendHandle, minimum};
use core::panic::Location;
use core::ptr::NonNull;
use record::Birth;
use std::format;
use sure_stack::Stack;
use tracked::Bounds;

/// Tracks all coroutines that are created from now on, on all threads.
pub fn enable() {
    minimum::look_twice();
}

/// The stack of a tracked coroutine, looked at.
pub(crate) fn stack_of(record: &Record) -> impl Stack {
    Bounds::of(record)
}

/// Tracks a coroutine from its beginning.
///
/// # Safety
/// 1. The handle is that of a coroutine on a stack with these bounds, which was not resumed yet.
/// 2. Nothing else uses the handle meanwhile.
#[track_caller]
pub(crate) unsafe fn begin<Input, Yield>(
    mut handle: NonNull<SuspendHandle<Input, Yield>>,
    limit: NonNull<u8>,
    base: NonNull<u8>,
) {
    let created = Location::caller();
    // SAFETY: a handle (1), which nothing else uses (2).
    let handle = unsafe { handle.as_mut() };
    let birth = Birth {
        stage: handle.stage.as_ptr(),
        handle: core::ptr::from_ref(handle).cast(),
        low: limit.as_ptr().expose_provenance(),
        high: base.as_ptr().expose_provenance(),
        name: core::ptr::from_ref(handle.name().unwrap_or_default().as_bytes()),
        created,
    };
    // SAFETY: the handle keeps the entry, and drops it before it ends itself and before its name.
    handle.extras.keep(unsafe { Entry::new(&birth) });
    rendezvous::join();
    // Every suspend asks what is wrong, and finds the record.
    handle.extent.set(0);
    if sure_stack::overflow::is_installed() {
        let name = handle.name().unwrap_or("an unnamed coroutine");
        let title = format!("{name}, created at {created}");
        // Without memory for the title the message does without it.
        sure_stack::overflow::label(&Bounds { limit, base }, &title, STACK_ADVICE);
    }
}
