//! Panics that cross to the resumer, and the forced unwind of a coroutine that
//! is dropped while suspended.

use core::fmt;
#[cfg(feature = "std")]
pub(crate) use with_std::was_forced;
#[cfg(feature = "std")]
pub use with_std::{Payload, is_forced_unwind};
#[cfg(feature = "std")]
pub use with_std::{catch, go_on, panicking};
#[cfg(not(feature = "std"))]
pub(crate) use without_std::was_forced;
#[cfg(not(feature = "std"))]
pub use without_std::{Payload, catch, go_on, panicking};

/// The unwind of a coroutine that is being dropped, which
/// [`try_suspend`](crate::SuspendHandle::try_suspend) returns instead of raising it. It is
/// also the payload of that unwind: see `is_forced_unwind`.
#[must_use = "a coroutine that is being dropped should unwind: call `resume`"]
pub struct ForcedUnwind(());

impl ForcedUnwind {
    #[inline(always)]
    pub(crate) fn new() -> ForcedUnwind {
        ForcedUnwind(())
    }

    /// Goes on unwinding, as a panic does, but without a message and without calling the
    /// panic hook.
    ///
    /// ```
    /// let mut coroutine = coro::Coroutine::new(|handle, ()| match handle.try_suspend(()) {
    ///     Ok(()) => "resumed",
    ///     Err(unwind) => unwind.resume(),
    /// });
    /// coroutine.resume(());
    /// drop(coroutine);
    /// ```
    #[cold]
    #[inline(never)]
    pub fn resume(self) -> ! {
        #[cfg(feature = "std")]
        std::panic::resume_unwind(std::boxed::Box::new(self));
        #[cfg(not(feature = "std"))]
        unreachable!("without `std`, a suspended coroutine is not unwound");
    }
}

impl fmt::Debug for ForcedUnwind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForcedUnwind").finish_non_exhaustive()
    }
}

impl fmt::Display for ForcedUnwind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the coroutine is being dropped, and unwinds")
    }
}

impl core::error::Error for ForcedUnwind {}

#[cfg(feature = "std")]
mod with_std {
    use super::ForcedUnwind;
    use std::any::Any;
    use std::boxed::Box;
    use std::panic::{self, AssertUnwindSafe};

    /// What a panic carries.
    pub type Payload = Box<dyn Any + Send>;

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

    /// Calls `f`; a panic becomes its payload.
    #[inline(always)]
    pub fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
        // The payload goes on in the resumer, which sees what any caller sees
        // when a panic passes through.
        panic::catch_unwind(AssertUnwindSafe(f))
    }

    /// Lets a panic that ended a coroutine go on in the caller.
    pub fn go_on(payload: Payload) -> ! {
        panic::resume_unwind(payload)
    }

    /// Whether this thread is unwinding.
    #[inline(always)]
    pub fn panicking() -> bool {
        std::thread::panicking()
    }
}

/// Without the standard library nothing can be caught: a panic aborts at the root.
#[cfg(not(feature = "std"))]
mod without_std {
    /// No panic arrives anywhere.
    #[derive(Debug)]
    pub struct Payload(core::convert::Infallible);

    pub(crate) fn was_forced(payload: &Payload) -> bool {
        match payload.0 {}
    }

    /// Calls `f`; a panic does not come back.
    #[inline(always)]
    pub fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
        Ok(f())
    }

    /// Never called: there is no payload.
    pub fn go_on(payload: Payload) -> ! {
        match payload.0 {}
    }

    /// A thread that panics runs no code of others.
    #[inline(always)]
    pub fn panicking() -> bool {
        false
    }
}

/// Unwinds a coroutine that is being dropped once more, because it suspends after its body has
/// swallowed the unwind. `in_panic` says whether the thread was panicking when the drop began.
///
/// A thread that panics now, but did not then, runs a destructor of the unwind. An unwind out
/// of that would abort without saying whose it is. Where the thread was panicking before, the
/// two cases look the same, and the unwind is raised: out of a destructor, the standard library
/// aborts with its own message.
#[cold]
#[inline(never)]
pub fn unwind_again(name: &dyn fmt::Display, in_panic: bool) -> ! {
    if panicking() && !in_panic {
        abort(format_args!(
            "{name} is being dropped, and a destructor that the unwind of its frames runs was \
             asked to suspend: there is no caller left to return to"
        ));
    }
    ForcedUnwind::new().resume()
}

/// Whether a suspended coroutine can be unwound in this build.
pub const CAN_UNWIND: bool = cfg!(all(feature = "std", panic = "unwind"));

/// The end of a coroutine that is dropped while suspended where it cannot be unwound.
#[cold]
#[inline(never)]
pub fn cannot_unwind(name: &dyn fmt::Display) -> ! {
    abort(format_args!(
        "{name} was dropped while suspended, and this build cannot unwind it: run it to \
         completion, or build with `panic = \"unwind\"` and the feature `std`"
    ))
}

/// Lets the panic that ended a coroutine which was being dropped go on in the caller, unless it
/// was the forced unwind. A panic while the thread is panicking has printed its message and ends
/// here: going on with it would end the process if the caller is a destructor.
pub fn go_on_after_drop(payload: Payload) {
    if !was_forced(&payload) && !panicking() {
        go_on(payload);
    }
}

/// Refuses a suspend by code that does not run on the coroutine's own stack.
#[cold]
#[inline(never)]
#[track_caller]
pub fn refuse_foreign(name: &dyn fmt::Display) -> ! {
    panic!(
        "{name} was asked to suspend by code that does not run on its own stack: \
         a handle works only inside its own coroutine, while that runs"
    )
}

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
        // Without a standard error there is no place left for the message.
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
