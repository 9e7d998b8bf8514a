//! AddressSanitizer is told on which stack the thread is, and keeps a fake stack for each.
//!
//! Between the announcement of a switch and that of the arrival it puts variables on no
//! fake stack, so code that it has instrumented may run there.

use super::table::Table;
use core::cell::Cell;
use core::ffi::c_void;
use core::ptr::{self, NonNull};

unsafe extern "C" {
    /// A switch to the stack `bottom..bottom + size` begins. The present fake stack is stored in
    /// `*fake_stack_save`; where that is null, it is destroyed.
    fn __sanitizer_start_switch_fiber(
        fake_stack_save: *mut *mut c_void,
        bottom: *const c_void,
        size: usize,
    );
    /// The switch is done, to an execution with this fake stack, or none yet. Stores the bounds of the stack that was left.
    fn __sanitizer_finish_switch_fiber(
        fake_stack_save: *mut c_void,
        bottom_old: *mut *const c_void,
        size_old: *mut usize,
    );
    fn __asan_unpoison_memory_region(address: *const c_void, size: usize);
}

/// A suspended execution.
#[derive(Clone, Copy)]
struct Execution {
    stack: Bounds,
    /// The address of its fake stack; 0 for none.
    fake_stack: usize,
}

/// A stack, as the runtime has it.
#[derive(Clone, Copy)]
struct Bounds {
    bottom: usize,
    size: usize,
}

/// As much of a stack is announced whose limit is not known, in bytes. The runtime wants the high end
/// to be right; the other one serves to describe addresses.
const UNKNOWN: usize = 64 << 10;

impl Bounds {
    fn below(top: usize, limit: Option<NonNull<u8>>) -> Bounds {
        let bottom = limit.map_or(top.saturating_sub(UNKNOWN), |limit| limit.addr().get());
        let size = top - bottom;
        Bounds { bottom, size }
    }

    /// Lets all of it be used, as if nothing had ever run there.
    fn unpoison(self) {
        // SAFETY: it changes no memory but the runtime's own.
        unsafe { __asan_unpoison_memory_region(address(self.bottom), self.size) };
    }
}

static SUSPENDED: Table<Execution> = Table::new();

/// What the side that leaves tells the one that arrives, on the same thread.
#[derive(Clone, Copy)]
struct Leaving {
    fake_stack: usize,
    /// Where its frames end.
    stack_pointer: usize,
}

std::thread_local! {
    static LEAVING: Cell<Leaving> = const {
        Cell::new(Leaving { fake_stack: 0, stack_pointer: 0 })
    };
}

/// The fake stack of an execution that is suspended.
pub(crate) struct Hooks(*mut c_void);

pub(crate) fn prepared(saved: usize, limit: Option<NonNull<u8>>, top: usize) {
    let stack = Bounds::below(top, limit);
    let fake_stack = 0;
    SUSPENDED.put(saved, Execution { stack, fake_stack });
}

/// Frames that were left without a return have poisoned the memory around their variables.
/// It is told before anything is written to the stack `limit..base`.
pub(crate) fn reused(limit: NonNull<u8>, base: NonNull<u8>) {
    Bounds::below(base.addr().get(), Some(limit)).unpoison();
}

pub(crate) fn before_switch(to: usize) -> Hooks {
    leave_for(SUSPENDED.take(to).stack)
}

pub(crate) fn before_descent(top: usize) -> Hooks {
    leave_for(Bounds::below(top, None))
}

fn leave_for(stack: Bounds) -> Hooks {
    let mut fake_stack = ptr::null_mut();
    // SAFETY: a switch to this stack follows; there is room for an address.
    unsafe { __sanitizer_start_switch_fiber(&mut fake_stack, address(stack.bottom), stack.size) };
    LEAVING.set(Leaving {
        fake_stack: fake_stack.expose_provenance(),
        stack_pointer: crate::stack_pointer().addr(),
    });
    Hooks(fake_stack)
}

/// The fake stack is not destroyed yet: variables of the callers are on it, and needed for the switch.
pub(crate) fn before_exit(to: usize) {
    before_switch(to);
}

pub(crate) fn after_switch(Hooks(fake_stack): Hooks, from: usize) {
    arrive(fake_stack, from);
}

pub(crate) fn after_first_entry(from: usize) {
    arrive(ptr::null_mut(), from);
}

/// Not inlined: the execution may have come to another thread, whose thread-locals are elsewhere.
#[inline(never)]
fn arrive(fake_stack: *mut c_void, from: usize) {
    let stack = finish(fake_stack);
    let Leaving {
        fake_stack,
        stack_pointer,
    } = LEAVING.get();
    if from == 0 {
        // The frames that have exited will not clear their shadow. (A signal handler that has exited for
        // them did so from a stack of its own.)
        let top = stack.bottom + stack.size;
        let inside = (stack.bottom..top).contains(&stack_pointer);
        let bottom = if inside { stack_pointer } else { stack.bottom };
        let size = top - bottom;
        Bounds { bottom, size }.unpoison();
        destroy(fake_stack, stack);
    } else {
        SUSPENDED.put(from, Execution { stack, fake_stack });
    }
}

/// The stack that was left.
fn finish(fake_stack: *mut c_void) -> Bounds {
    let (mut bottom, mut size) = (ptr::null(), 0);
    // SAFETY: the switch is done, and this is the fake stack of the execution that runs; there is room for the answers.
    unsafe { __sanitizer_finish_switch_fiber(fake_stack, &mut bottom, &mut size) };
    let bottom = bottom.addr();
    Bounds { bottom, size }
}

pub(crate) fn abandoned(saved: usize) {
    if let Some(Execution { stack, fake_stack }) = SUSPENDED.remove(saved) {
        stack.unpoison();
        destroy(fake_stack, stack);
    }
}

/// Destroys the fake stack of an execution that is over, if it has one. The runtime destroys only that of the
/// execution that runs: so for a moment it is told that the other one does.
fn destroy(fake_stack: usize, stack: Bounds) {
    if fake_stack == 0 {
        return;
    }
    let mut own = ptr::null_mut();
    // SAFETY: each announcement of a switch is followed by one of an arrival, the last of them here, so
    // that what the runtime believes is true again.
    unsafe { __sanitizer_start_switch_fiber(&mut own, address(stack.bottom), stack.size) };
    let here = finish(ptr::with_exposed_provenance_mut(fake_stack));
    // SAFETY: as above. No frame is on the fake stack that goes, because none was entered since it came.
    unsafe { __sanitizer_start_switch_fiber(ptr::null_mut(), address(here.bottom), here.size) };
    finish(own);
}

fn address(address: usize) -> *const c_void {
    ptr::without_provenance(address)
}
