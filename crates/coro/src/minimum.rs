#[cfg(feature = "std")]
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The smallest stack that a coroutine accepts, in usable bytes: room for its
/// root and for a panic with its message. (A backtrace, if `RUST_BACKTRACE` asks for
/// one, takes more: some 24 KiB on x86-64.)
///
/// ```
/// use coro::{Coroutine, MIN_STACK_SIZE};
///
/// let builder = Coroutine::builder().stack_size(MIN_STACK_SIZE);
/// let mut small = builder.build(|handle, n: u32| handle.suspend(n + 1))?;
/// assert_eq!(small.resume(1).yielded(), Some(2));
/// # Ok::<(), sure_stack::StackError>(())
/// ```
pub const MIN_STACK_SIZE: usize = 16 << 10;

/// The least size that is not looked at twice when a coroutine is made. That is
/// [`MIN_STACK_SIZE`]; and more than any stack has, if all coroutines are to be tracked: so one
/// comparison tells both.
#[cfg(feature = "std")]
static UNSUSPICIOUS: AtomicUsize = AtomicUsize::new(MIN_STACK_SIZE);

/// Looks twice at every coroutine that is made from now on.
#[cfg(feature = "std")]
pub(crate) fn look_twice() {
    UNSUSPICIOUS.store(usize::MAX, Relaxed);
}

/// The least size that is not looked at twice, where `minimum` is the least that will do.
#[inline(always)]
pub(crate) fn unsuspicious(minimum: usize) -> usize {
    #[cfg(feature = "std")]
    match UNSUSPICIOUS.load(Relaxed) {
        least if minimum == MIN_STACK_SIZE => least,
        usize::MAX => usize::MAX,
        _ => minimum,
    }
    #[cfg(not(feature = "std"))]
    minimum
}
