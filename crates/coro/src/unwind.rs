//! Panics that cross to the resumer, and the forced unwind of a coroutine that
//! is dropped while suspended.

#[cfg(feature = "std")]
pub use with_std::{Payload, is_forced_unwind};
#[cfg(feature = "std")]
pub(crate) use with_std::{catch, force_unwind, go_on, panicking, was_forced};
#[cfg(not(feature = "std"))]
pub(crate) use without_std::*;

#[cfg(feature = "std")]
mod with_std {
    use std::any::Any;
    use std::boxed::Box;
    use std::panic::{self, AssertUnwindSafe};

    /// What a panic carries.
    pub type Payload = Box<dyn Any + Send>;

    /// The payload of a forced unwind.
    struct ForcedUnwind;

    /// Whether a caught panic payload is the forced unwind of a coroutine.
    ///
    /// Dropping a suspended coroutine unwinds it with a payload of its own, so
    /// that its destructors run. Code inside that catches panics should let
    /// this one go on with [`resume_unwind`](std::panic::resume_unwind).
    ///
    /// ```
    /// use coro::{Coroutine, is_forced_unwind};
    /// use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    ///
    /// let mut coroutine = Coroutine::new(|handle, ()| {
    ///     let caught = catch_unwind(AssertUnwindSafe(|| handle.suspend(())));
    ///     if let Err(payload) = caught {
    ///         assert!(is_forced_unwind(&*payload));
    ///         resume_unwind(payload);
    ///     }
    /// });
    /// coroutine.resume(());
    /// drop(coroutine);
    /// ```
    pub fn is_forced_unwind(payload: &(dyn Any + Send)) -> bool {
        payload.is::<ForcedUnwind>()
    }

    /// Whether a panic that ended a coroutine is a forced unwind.
    pub(crate) fn was_forced(payload: &Payload) -> bool {
        is_forced_unwind(&**payload)
    }

    /// Starts a forced unwind: no hook runs, nothing is printed.
    #[cold]
    #[inline(never)]
    pub(crate) fn force_unwind() -> ! {
        panic::resume_unwind(Box::new(ForcedUnwind))
    }

    /// Calls `f`; a panic becomes its payload.
    #[inline(always)]
    pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
        // The payload goes on in the resumer, which sees what any caller sees
        // when a panic passes through.
        panic::catch_unwind(AssertUnwindSafe(f))
    }

    /// Lets a panic that ended a coroutine go on in the caller.
    pub(crate) fn go_on(payload: Payload) -> ! {
        panic::resume_unwind(payload)
    }

    /// Whether this thread is unwinding.
    #[inline(always)]
    pub(crate) fn panicking() -> bool {
        std::thread::panicking()
    }
}

/// Without the standard library nothing can be caught: a panic aborts at the root.
#[cfg(not(feature = "std"))]
mod without_std {
    /// No panic arrives anywhere.
    pub(crate) struct Payload(core::convert::Infallible);

    pub(crate) fn was_forced(payload: &Payload) -> bool {
        match payload.0 {}
    }

    /// Never called: without `std`, a suspended coroutine is not unwound.
    pub(crate) fn force_unwind() -> ! {
        unreachable!("a forced unwind needs the feature `std`")
    }

    #[inline(always)]
    pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
        Ok(f())
    }

    pub(crate) fn go_on(payload: Payload) -> ! {
        match payload.0 {}
    }

    #[inline(always)]
    pub(crate) fn panicking() -> bool {
        false
    }
}

/// Whether a suspended coroutine can be unwound in this build.
pub(crate) const CAN_UNWIND: bool = cfg!(all(feature = "std", panic = "unwind"));

/// Ends the process after a message, where going on would break memory safety.
///
/// With the standard library the message is printed and the process aborts.
/// Without it the message goes to the program's panic handler, which does not return.
#[cold]
#[inline(never)]
pub(crate) fn abort(message: core::fmt::Arguments<'_>) -> ! {
    #[cfg(feature = "std")]
    {
        use std::io::Write;
        // There is nobody to tell if standard error is gone.
        let _ = writeln!(std::io::stderr(), "fatal: {message}");
        std::process::abort()
    }
    #[cfg(not(feature = "std"))]
    {
        /// A panic must not unwind out of here, should the program be able to.
        extern "C" fn panic(message: &core::fmt::Arguments<'_>) -> ! {
            panic!("{message}")
        }
        panic(&message)
    }
}
