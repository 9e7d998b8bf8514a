use crate::arch;
use crate::sanitizer;
use crate::{Arrival, Departure, ExecutionContext, Word};
use core::num::NonZeroUsize;
use core::ptr::NonNull;

/// What runs below a suspended execution, on the same stack; see [`descend`].
pub trait Descent {
    /// Runs on a fresh frame, and returns where to go when it is done. Its
    /// frame has been dropped by then.
    ///
    /// A panic must not leave `run`: it aborts the process.
    ///
    /// # Safety
    /// Called only by [`descend`], with the object that was given there.
    unsafe fn run(this: NonNull<Self>, from: ExecutionContext) -> Departure;
}

/// How far below the caller's stack pointer the top of a descent lies at
/// least, in bytes: more than a switch puts there on any target.
pub const DESCENT: usize = 512;

/// Suspends the caller, and calls [`T::run`](Descent::run) with its context on
/// a fresh frame whose high end is `top`, rounded down to the alignment of a
/// stack pointer. Returns when another execution continues the caller.
///
/// This is for layers that copy frames. Everything above `top` stands still
/// while `run` runs, the caller's frames included, and may be exchanged. A fresh
/// execution from [`prepare`](crate::prepare) would not do: its first frame is
/// memory below the caller's stack pointer, where a signal handler may write at
/// any time. Here nothing is written before the stack pointer is below it.
///
/// Walks of the stack end in `run`.
///
/// # Panics
/// With the portable backend, if the system has no thread for it.
///
/// # Safety
/// 1. `top` is on a stack of this thread, and below it is room for `run` that
///    nothing uses. On the caller's own stack, `top` is at least [`DESCENT`]
///    below its stack pointer.
/// 2. `object` is valid until `run` has returned.
/// 3. The caller's context, which `run` receives, is continued at most once, and
///    while the caller's frames are in place.
#[inline(always)]
pub unsafe fn descend<T: Descent>(top: NonNull<u8>, object: NonNull<T>) -> Arrival {
    let top = top.addr().get() & !(arch::STACK_ALIGNMENT - 1);
    let hooks = sanitizer::before_descent(top);
    // SAFETY: below the aligned `top` is the caller's to use (1).
    let landing = unsafe { arch::descend(top, enter_below::<T>, Word::from_ptr(object.as_ptr())) };
    sanitizer::after_switch(hooks, landing.from);
    Arrival::new(landing)
}

/// The adapter between the machine part and [`Descent::run`].
///
/// # Safety
/// Called by `descend::<T>`.
unsafe extern "C" fn enter_below<T: Descent>(from: usize, object: *mut u8) -> arch::Left {
    sanitizer::after_first_entry(from);
    // SAFETY: `descend` passes the address of the registers that it has saved,
    // and a `NonNull<T>`.
    let (from, this) = unsafe {
        (
            ExecutionContext::from_saved(NonZeroUsize::new_unchecked(from)),
            NonNull::new_unchecked(object.cast::<T>()),
        )
    };
    // SAFETY: `descend` calls it, by way of the machine part, with the object it was given.
    let Departure { to, word, signal } = unsafe { T::run(this, from) };
    // SAFETY: `run` vouches for its departure; its frame is gone, and this one
    // has nothing to drop.
    unsafe { to.leave_for(word, signal) }
}
