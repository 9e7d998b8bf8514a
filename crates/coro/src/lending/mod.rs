//! Coroutines that are lent something at each resume.

mod create;
mod handle;
mod lend;
#[cfg(feature = "std")]
mod scoped;

pub use handle::LendingHandle;
pub use lend::Lend;
#[cfg(feature = "std")]
pub use scoped::ScopedLendingCoroutine;

use crate::{Coroutine, CoroutineState, DefaultStack, ResumeError, Status};
use core::fmt;
use lend::Loan;
use sure_stack::Stack;

/// A coroutine whose resumer lends it something, `&mut`, until it suspends
/// again: a script in a game's world, say.
///
/// The input of a plain [`Coroutine`] is given away, and stays the
/// coroutine's; one of the type `&mut World` would have to outlive all resumes. Here
/// each [`resume`](Self::resume) lends what it likes, and has it back when it returns. The
/// coroutine reaches it by [`LendingHandle::with`], as long as a closure takes.
///
/// ```
/// use coro::{LendingCoroutine, LendingHandle};
///
/// #[derive(Default)]
/// struct World {
///     doors_open: bool,
///     log: Vec<&'static str>,
/// }
///
/// /// Walks to the door, and waits before it.
/// fn guest(handle: &LendingHandle<World, ()>) {
///     for _ in 0..2 {
///         handle.with(|world| world.log.push("a step"));
///         handle.suspend(());
///     }
///     while !handle.with(|world| world.doors_open) {
///         handle.suspend(());
///     }
///     handle.with(|world| world.log.push("inside"));
/// }
///
/// let mut world = World::default();
/// let mut guest = LendingCoroutine::new(guest);
/// for turn in 0..5 {
///     world.doors_open = turn == 4;
///     guest.resume(&mut world);
/// }
/// assert!(guest.is_complete());
/// assert_eq!(world.log, ["a step", "a step", "inside"]);
/// ```
///
/// - Nothing that is lent outlives its resume, and no other code has it meanwhile:
///   inside of `with` the coroutine cannot suspend.
/// - A panic goes on in the caller of `resume`, as with a [`Coroutine`]. What was lent is as
///   the panic has left it, as after any call that panics.
/// - A resume costs what that of a [`Coroutine`] costs with a pointer for an input.
/// - Types that borrow, and differ in their lifetime at each resume, may be lent, too: see [`Lend`].
///
/// Closure, yields, result and stack are `'static`, because a coroutine can be leaked.
#[must_use = "a coroutine does nothing until it is resumed"]
pub struct LendingCoroutine<L, Yield, Return, S: Stack = DefaultStack>
where
    L: for<'a> Lend<'a> + ?Sized,
{
    coroutine: Coroutine<Loan<L>, Yield, Return, S>,
}

impl<L, Yield, Return, S: Stack> LendingCoroutine<L, Yield, Return, S>
where
    L: for<'a> Lend<'a> + ?Sized,
{
    /// Lends something to the coroutine, and runs it until it suspends or ends.
    ///
    /// ```
    /// use coro::{CoroutineState, LendingCoroutine, LendingHandle};
    ///
    /// let mut script = LendingCoroutine::new(|handle: &LendingHandle<Vec<u8>, usize>| {
    ///     handle.with(|list| list.push(1));
    ///     handle.suspend(handle.with(|list| list.len()));
    ///     "done"
    /// });
    /// let (mut one, mut other) = (vec![], vec![0, 0]);
    /// assert_eq!(script.resume(&mut one), CoroutineState::Yielded(1));
    /// assert_eq!(script.resume(&mut other), CoroutineState::Complete("done"));
    /// ```
    ///
    /// # Panics
    /// - With the coroutine's own panic, if it panics.
    /// - If the coroutine is complete; [`try_resume`](Self::try_resume)
    ///   returns an error instead.
    #[inline]
    #[track_caller]
    pub fn resume(&mut self, lent: &mut <L as Lend<'_>>::Lent) -> CoroutineState<Yield, Return> {
        self.coroutine.resume(Loan::new(lent))
    }

    /// As [`resume`](Self::resume).
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    ///
    /// let mut script = LendingCoroutine::new(|_: &LendingHandle<u8, ()>| ());
    /// assert!(script.try_resume(&mut 1).is_ok());
    /// assert!(script.try_resume(&mut 1).is_err());
    /// ```
    ///
    /// # Errors
    /// [`ResumeError`], if the coroutine is complete.
    ///
    /// # Panics
    /// With the coroutine's own panic, if it panics.
    #[inline]
    pub fn try_resume(
        &mut self,
        lent: &mut <L as Lend<'_>>::Lent,
    ) -> Result<CoroutineState<Yield, Return>, ResumeError<()>> {
        let state = self.coroutine.try_resume(Loan::new(lent));
        state.map_err(|_| ResumeError::complete(()))
    }

    /// Where the coroutine stands in its life.
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle, Status};
    ///
    /// let script = LendingCoroutine::new(|_: &LendingHandle<u8, ()>| ());
    /// assert_eq!(script.status(), Status::Created);
    /// ```
    pub fn status(&self) -> Status {
        self.coroutine.status()
    }

    /// Whether nothing is left to resume.
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    ///
    /// let mut script = LendingCoroutine::new(|handle: &LendingHandle<u8, ()>| handle.suspend(()));
    /// script.resume(&mut 0);
    /// assert!(!script.is_complete());
    /// script.resume(&mut 0);
    /// assert!(script.is_complete());
    /// ```
    pub fn is_complete(&self) -> bool {
        self.coroutine.is_complete()
    }

    /// The name that it was [built](crate::Coroutine::builder) with.
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    ///
    /// let script = LendingCoroutine::new(|_: &LendingHandle<u8, ()>| ());
    /// assert_eq!(script.name(), None);
    /// ```
    pub fn name(&self) -> Option<&str> {
        self.coroutine.name()
    }

    /// Tells the processor that this coroutine is about to be resumed; see [`Coroutine::prefetch`].
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    ///
    /// let mut script = LendingCoroutine::new(|_: &LendingHandle<u8, ()>| ());
    /// script.prefetch();
    /// script.resume(&mut 0);
    /// ```
    #[inline(always)]
    pub fn prefetch(&self) {
        self.coroutine.prefetch();
    }

    /// The most bytes of its stack that were in use at once so far; see [`Coroutine::high_water_mark`].
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    ///
    /// let mut script = LendingCoroutine::new(|_: &LendingHandle<u8, ()>| ());
    /// script.resume(&mut 0);
    /// assert!(script.high_water_mark() > 0);
    /// ```
    #[cfg(feature = "std")]
    pub fn high_water_mark(&self) -> usize {
        self.coroutine.high_water_mark()
    }

    /// As [`Coroutine::release_unused`].
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    ///
    /// let mut script = LendingCoroutine::new(|handle: &LendingHandle<u8, ()>| handle.suspend(()));
    /// script.resume(&mut 0);
    /// script.release_unused();
    /// assert_eq!(script.release_unused(), 0, "nothing has been touched meanwhile");
    /// ```
    #[cfg(feature = "std")]
    pub fn release_unused(&self) -> usize {
        self.coroutine.release_unused()
    }

    /// As [`Coroutine::backtrace`].
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    ///
    /// let mut script = LendingCoroutine::new(|handle: &LendingHandle<u8, ()>| handle.suspend(()));
    /// assert!(script.backtrace().is_none(), "it has not begun");
    /// script.resume(&mut 0);
    /// # if cfg!(not(any(sure_context_portable, windows))) {
    /// assert!(script.backtrace().is_some());
    /// # }
    /// ```
    #[cfg(feature = "std")]
    pub fn backtrace(&self) -> Option<std::backtrace::Backtrace> {
        self.coroutine.backtrace()
    }

    /// As [`Coroutine::unwind`]: drops everything in its frames now, with nothing lent;
    /// complete afterwards.
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    /// use std::rc::Rc;
    ///
    /// let counted = Rc::new(());
    /// let local = counted.clone();
    /// let mut script = LendingCoroutine::new(move |handle: &LendingHandle<u8, ()>| {
    ///     let _local = local;
    ///     handle.suspend(());
    /// });
    /// script.resume(&mut 0);
    /// script.unwind();
    /// assert!(script.is_complete());
    /// assert_eq!(Rc::strong_count(&counted), 1);
    /// ```
    ///
    /// # Panics
    /// As [`Coroutine::unwind`].
    ///
    /// # Aborts
    /// As [`Coroutine::unwind`].
    pub fn unwind(&mut self) {
        self.coroutine.unwind();
    }

    /// As [`Coroutine::abandon`]: forgets the frames, and gives the stack back.
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    ///
    /// let mut script = LendingCoroutine::new(|handle: &LendingHandle<u8, ()>| handle.suspend(()));
    /// script.resume(&mut 0);
    /// // SAFETY: (1) it is suspended; (2, 3) its frames hold nothing.
    /// let stack = unsafe { script.abandon() };
    /// let again = LendingCoroutine::with_stack(stack, |_: &LendingHandle<u8, ()>| ());
    /// # drop(again);
    /// ```
    ///
    /// # Safety
    /// As [`Coroutine::abandon`].
    #[must_use = "the stack can be used again"]
    pub unsafe fn abandon(self) -> S {
        // SAFETY: the caller promises that it is not running (1), that nothing refers to its frames (2),
        // and that nothing depends on a destructor in them (3).
        unsafe { self.coroutine.abandon() }
    }

    /// The stack of a complete coroutine, for another use.
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    ///
    /// let mut script = LendingCoroutine::new(|_: &LendingHandle<u8, ()>| ());
    /// script.resume(&mut 0);
    /// let stack = script.into_stack().expect("it is complete");
    /// let again = LendingCoroutine::with_stack(stack, |_: &LendingHandle<u8, ()>| ());
    /// # drop(again);
    /// ```
    ///
    /// # Errors
    /// The coroutine itself, if it is not complete.
    pub fn into_stack(self) -> Result<S, Self> {
        self.coroutine
            .into_stack()
            .map_err(|coroutine| LendingCoroutine { coroutine })
    }
}

impl<L, Yield, Return, S: Stack> fmt::Debug for LendingCoroutine<L, Yield, Return, S>
where
    L: for<'a> Lend<'a> + ?Sized,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LendingCoroutine")
            .field("name", &self.name())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
