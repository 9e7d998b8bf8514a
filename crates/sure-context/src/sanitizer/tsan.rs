//! ThreadSanitizer keeps a fiber for each execution: the calls that lead to where it is, and what
//! has happened before.
//!
//! Each switch orders what was done before it on the side that is left before what is done after it on the
//! other, as on one thread. Nothing else is ordered by what is here: an execution that is moved to
//! another thread without a lock or the like is a data race, and the table's own lock is hidden.
//!
//! From the announcement of a switch up to the switch, calls that return in between would be
//! noted as the other side's; so it is announced in the caller, by functions that are inlined.

use super::table::Table;
use core::cell::Cell;
use core::ffi::{CStr, c_char, c_int, c_uint, c_void};
use core::ptr::{self, NonNull};

unsafe extern "C" {
    fn __tsan_get_current_fiber() -> *mut c_void;
    fn __tsan_create_fiber(flags: c_uint) -> *mut c_void;
    fn __tsan_destroy_fiber(fiber: *mut c_void);
    /// With the flags 0: what was done before happens before what the other fiber does next.
    fn __tsan_switch_to_fiber(fiber: *mut c_void, flags: c_uint);
    fn __tsan_set_fiber_name(fiber: *mut c_void, name: *const c_char);

    fn AnnotateIgnoreSyncBegin(file: *const c_char, line: c_int);
    fn AnnotateIgnoreSyncEnd(file: *const c_char, line: c_int);
    fn AnnotateIgnoreReadsBegin(file: *const c_char, line: c_int);
    fn AnnotateIgnoreReadsEnd(file: *const c_char, line: c_int);
    fn AnnotateIgnoreWritesBegin(file: *const c_char, line: c_int);
    fn AnnotateIgnoreWritesEnd(file: *const c_char, line: c_int);
}

/// What reports call an execution.
const NAME: &CStr = c"a stack of its own";

/// The fibers of suspended executions; 0 for those that have not begun. (The runtime has about
/// 8,000 at most, threads included; so there is none before it is needed.)
static SUSPENDED: Table<usize> = Table::new();

std::thread_local! {
    /// The fiber that the side that leaves had, for the one that arrives on the same thread.
    static LEAVING: Cell<usize> = const { Cell::new(0) };
}

/// Nothing: the runtime keeps the fiber.
pub(crate) struct Hooks;

pub(crate) fn prepared(saved: usize, _limit: Option<NonNull<u8>>, _top: usize) {
    unseen(|| SUSPENDED.put(saved, 0));
}

/// Fibers do not depend on memory.
pub(crate) fn reused(_limit: NonNull<u8>, _base: NonNull<u8>) {}

#[inline(always)]
pub(crate) fn before_switch(to: usize) -> Hooks {
    let fiber = leave_for(to);
    // SAFETY: the fiber of the execution to which a switch follows.
    unsafe { __tsan_switch_to_fiber(fiber, 0) };
    Hooks
}

#[inline(always)]
pub(crate) fn before_descent(_top: usize) -> Hooks {
    let fiber = leave_with(0);
    // SAFETY: a fresh fiber, for the frame that is entered next.
    unsafe { __tsan_switch_to_fiber(fiber, 0) };
    Hooks
}

#[inline(always)]
pub(crate) fn before_exit(to: usize) {
    let _ = before_switch(to);
}

/// The fiber with which `to` continues.
#[inline(never)]
fn leave_for(to: usize) -> *mut c_void {
    leave_with(unseen(|| SUSPENDED.take(to)))
}

/// Notes which fiber runs until now. The one that is to run, which is made if it is 0.
#[inline(never)]
fn leave_with(fiber: usize) -> *mut c_void {
    // SAFETY: it asks.
    let own = unsafe { __tsan_get_current_fiber() };
    LEAVING.set(own.expose_provenance());
    if fiber != 0 {
        return ptr::with_exposed_provenance_mut(fiber);
    }
    // SAFETY: a fiber is made, and named by a string with an end.
    unsafe {
        let fiber = __tsan_create_fiber(0);
        __tsan_set_fiber_name(fiber, NAME.as_ptr());
        fiber
    }
}

#[inline(always)]
pub(crate) fn after_switch(_: Hooks, from: usize) {
    arrive(from);
}

#[inline(always)]
pub(crate) fn after_first_entry(from: usize) {
    arrive(from);
}

/// Not inlined: the execution may have come to another thread, whose thread-locals are elsewhere.
#[inline(never)]
fn arrive(from: usize) {
    let left = LEAVING.get();
    if from == 0 {
        // SAFETY: it has exited, and is not the one that runs.
        unsafe { __tsan_destroy_fiber(ptr::with_exposed_provenance_mut(left)) };
    } else {
        unseen(|| SUSPENDED.put(from, left));
    }
}

pub(crate) fn abandoned(saved: usize) {
    match unseen(|| SUSPENDED.remove(saved)) {
        None | Some(0) => {}
        // SAFETY: the fiber of an execution that is suspended, and will not be continued.
        Some(fiber) => unsafe { __tsan_destroy_fiber(ptr::with_exposed_provenance_mut(fiber)) },
    }
}

/// What `f` locks, reads and writes orders nothing and races with nothing.
fn unseen<R>(f: impl FnOnce() -> R) -> R {
    let here = c"".as_ptr();
    // SAFETY: each beginning has its end below, on the same fiber.
    unsafe {
        AnnotateIgnoreSyncBegin(here, 0);
        AnnotateIgnoreReadsBegin(here, 0);
        AnnotateIgnoreWritesBegin(here, 0);
    }
    let result = f();
    // SAFETY: as begun above.
    unsafe {
        AnnotateIgnoreWritesEnd(here, 0);
        AnnotateIgnoreReadsEnd(here, 0);
        AnnotateIgnoreSyncEnd(here, 0);
    }
    result
}
