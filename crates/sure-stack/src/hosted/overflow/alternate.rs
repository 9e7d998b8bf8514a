//! Alternate stacks for signals: sigaltstack(2).

use crate::hosted::sys::signal;
use crate::{GuardedMmapStack, Stack, StackError};
use core::cell::RefCell;
use core::ffi::c_int;
use core::mem::{self, MaybeUninit};

/// What our handler may take beside the kernel's frame, in bytes. The standard
/// library's alternate stacks have as much where frames are small (8 KiB). Frames that a sanitizer
/// watches are larger.
const LEAST: usize = if cfg!(any(sure_stack_asan, sure_stack_tsan)) {
    32 << 10
} else {
    4 << 10
};
/// What we give instead of a smaller stack: handlers before ours may need more.
const GIVEN: usize = 64 << 10;

thread_local! {
    static OURS: RefCell<Option<Alternate>> = const { RefCell::new(None) };
}

// Apart from code that may change its thread, because it uses a thread-local.
#[inline(never)]
pub(super) fn protect_thread() -> Result<(), StackError> {
    // SAFETY: no stack is given.
    let present = unsafe { exchange(None) }?;
    let frame = signal::frame_size();
    if present.ss_flags & libc::SS_DISABLE == 0 && present.ss_size >= frame + LEAST {
        return Ok(());
    }
    let ours = Alternate(GuardedMmapStack::allocate_at_least(frame + GIVEN)?);
    // SAFETY: the memory of an `Alternate`, which stays until it is taken away.
    unsafe { exchange(Some(&ours.description(0))) }?;
    let mut ours = Some(ours);
    // One of before, which was too small or is not in use any more, goes.
    let _ = OURS.try_with(|place| mem::swap(&mut *place.borrow_mut(), &mut ours));
    if let Some(rest) = ours.take_if(|rest| rest.in_use()) {
        // The thread's locals are gone: it keeps the stack for its last moments.
        mem::forget(rest);
    }
    Ok(())
}

/// An alternate stack of ours.
struct Alternate(GuardedMmapStack);

impl Alternate {
    fn description(&self, flags: c_int) -> libc::stack_t {
        // SAFETY: all zeros is a description.
        let mut description: libc::stack_t = unsafe { MaybeUninit::zeroed().assume_init() };
        description.ss_sp = self.0.limit().as_ptr().cast();
        description.ss_size = self.0.size();
        description.ss_flags = flags;
        description
    }

    /// Whether it is that of the calling thread.
    fn in_use(&self) -> bool {
        // SAFETY: no stack is given.
        unsafe { exchange(None) }
            .is_ok_and(|present| present.ss_sp == self.0.limit().as_ptr().cast())
    }
}

impl Drop for Alternate {
    fn drop(&mut self) {
        if self.in_use() {
            // Nothing could be done if it failed, and it does not.
            // SAFETY: disables the stack: its memory is not used any more.
            let _ = unsafe { exchange(Some(&self.description(libc::SS_DISABLE))) };
        }
    }
}

/// Sets the thread's alternate stack, if one is given, and returns the one before.
///
/// # Safety
/// The memory of a stack that is given is an [`Alternate`]'s, which takes it away
/// again before it goes.
unsafe fn exchange(stack: Option<&libc::stack_t>) -> Result<libc::stack_t, StackError> {
    // SAFETY: nothing else uses the memory of an `Alternate`.
    unsafe { signal::exchange_stack(stack) }.map_err(|os| StackError::Signals { os })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// An alternate stack of the calling thread, in use.
    fn give(bytes: usize) -> Alternate {
        let stack = Alternate(GuardedMmapStack::allocate_at_least(bytes).unwrap());
        // SAFETY: the memory of an `Alternate`.
        unsafe { exchange(Some(&stack.description(0))) }.unwrap();
        stack
    }

    fn is_enabled() -> bool {
        // SAFETY: no stack is given.
        unsafe { exchange(None) }.unwrap().ss_flags & libc::SS_DISABLE == 0
    }

    #[test]
    fn a_stack_that_is_large_enough_stays_and_a_small_one_is_replaced() {
        let thread = thread::spawn(|| {
            let enough = give(signal::frame_size() + LEAST);
            protect_thread().unwrap();
            assert!(enough.in_use());
            let small = give(signal::frame_size());
            // Pages may be large.
            if small.0.size() < signal::frame_size() + (4 << 10) {
                protect_thread().unwrap();
                assert!(!small.in_use());
                // SAFETY: no stack is given.
                let given = unsafe { exchange(None) }.unwrap().ss_size;
                assert!((small.0.size()..1 << 20).contains(&given), "{given}");
            }
        });
        thread.join().unwrap();
    }

    #[test]
    fn a_stack_that_goes_is_taken_away_and_no_other() {
        let thread = thread::spawn(|| {
            let first = give(64 << 10);
            let second = give(64 << 10);
            assert_eq!([first.in_use(), second.in_use()], [false, true]);
            drop(first);
            assert!(is_enabled());
            drop(second);
            assert!(!is_enabled());
        });
        thread.join().unwrap();
    }
}
