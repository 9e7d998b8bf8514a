//! Coroutines that are lent something at each resume.

mod handle;
mod lend;

pub use handle::LendingHandle;
pub use lend::Lend;

use crate::{Coroutine, CoroutineState, DefaultStack, ResumeError, Status};
use core::fmt;
use lend::Loan;
use sure_stack::{Stack, StackError};

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

#[cfg(feature = "std")]
impl<L, Yield, Return> LendingCoroutine<L, Yield, Return>
where
    L: for<'a> Lend<'a> + ?Sized + 'static,
    Yield: 'static,
    Return: 'static,
{
    /// A coroutine on a pooled stack, as [`Coroutine::new`].
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    ///
    /// let mut greeter = LendingCoroutine::new(|handle: &LendingHandle<str, ()>| {
    ///     handle.with(|text| text.make_ascii_uppercase());
    /// });
    /// let mut text = String::from("hello");
    /// greeter.resume(&mut text);
    /// assert_eq!(text, "HELLO");
    /// ```
    ///
    /// # Panics
    /// If there is no stack to be had; [`try_new`](Self::try_new) returns the
    /// reason instead.
    #[inline]
    #[track_caller]
    pub fn new<F>(f: F) -> Self
    where
        F: FnOnce(&LendingHandle<L, Yield>) -> Return + 'static,
    {
        match Self::try_new(f) {
            Ok(coroutine) => coroutine,
            Err(error) => no_stack(&error),
        }
    }

    /// As [`new`](Self::new).
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    ///
    /// let length = |handle: &LendingHandle<[u8], ()>| handle.with(|bytes| bytes.len());
    /// let mut length = LendingCoroutine::try_new(length)?;
    /// assert_eq!(length.resume(&mut [1, 2, 3]).complete(), Some(3));
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Coroutine::try_new`].
    #[inline]
    #[track_caller]
    pub fn try_new<F>(f: F) -> Result<Self, StackError>
    where
        F: FnOnce(&LendingHandle<L, Yield>) -> Return + 'static,
    {
        Self::try_with_stack(sure_stack::PooledStack::new()?, f)
    }
}

impl<L, Yield, Return, S> LendingCoroutine<L, Yield, Return, S>
where
    L: for<'a> Lend<'a> + ?Sized + 'static,
    Yield: 'static,
    Return: 'static,
    S: Stack + 'static,
{
    /// A coroutine on the given stack.
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    /// use sure_stack::GuardedMmapStack;
    ///
    /// let stack = GuardedMmapStack::allocate_at_least(64 << 10)?;
    /// let mut coroutine = LendingCoroutine::with_stack(stack, |handle: &LendingHandle<u8, ()>| {
    ///     handle.with(|number| *number += 1);
    /// });
    /// let mut number = 1;
    /// coroutine.resume(&mut number);
    /// assert_eq!(number, 2);
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Panics
    /// If the stack is too small; [`try_with_stack`](Self::try_with_stack)
    /// returns an error instead.
    #[track_caller]
    pub fn with_stack<F>(stack: S, f: F) -> Self
    where
        F: FnOnce(&LendingHandle<L, Yield>) -> Return + 'static,
    {
        match Self::try_with_stack(stack, f) {
            Ok(coroutine) => coroutine,
            Err(error) => no_stack(&error),
        }
    }

    /// A coroutine on the given stack.
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    /// use sure_stack::{GuardedMmapStack, StackError};
    ///
    /// let page = GuardedMmapStack::allocate_at_least(1)?;
    /// let refused = LendingCoroutine::try_with_stack(page, |_: &LendingHandle<(), ()>| ());
    /// // Unless a page is large here.
    /// if let Err(error) = refused {
    ///     assert!(matches!(error, StackError::TooSmall { .. }));
    /// }
    /// # Ok::<(), StackError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Coroutine::try_with_stack`].
    #[inline]
    #[track_caller]
    pub fn try_with_stack<F>(stack: S, f: F) -> Result<Self, StackError>
    where
        F: FnOnce(&LendingHandle<L, Yield>) -> Return + 'static,
    {
        let coroutine = Coroutine::try_with_stack(stack, body(f))?;
        Ok(LendingCoroutine { coroutine })
    }
}

#[cfg(feature = "std")]
impl<S: crate::StackSource<Stack: 'static>> crate::Builder<S> {
    /// As [`build`](crate::Builder::build), for a coroutine that is lent something at each resume.
    ///
    /// ```
    /// use coro::{Coroutine, LendingHandle};
    ///
    /// let builder = Coroutine::builder().name("guard").stack_size(64 << 10);
    /// let mut guard = builder.build_lending(|handle: &LendingHandle<u32, ()>| {
    ///     handle.with(|alarms| *alarms += 1);
    /// })?;
    /// assert_eq!(guard.name(), Some("guard"));
    /// let mut alarms = 0;
    /// guard.resume(&mut alarms);
    /// assert_eq!(alarms, 1);
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Errors
    /// As [`build`](crate::Builder::build).
    #[track_caller]
    pub fn build_lending<F, L, Yield, Return>(
        self,
        f: F,
    ) -> Result<LendingCoroutine<L, Yield, Return, S::Stack>, StackError>
    where
        F: FnOnce(&LendingHandle<L, Yield>) -> Return + 'static,
        L: for<'a> Lend<'a> + ?Sized + 'static,
        Yield: 'static,
        Return: 'static,
    {
        let coroutine = self.build(body(f))?;
        Ok(LendingCoroutine { coroutine })
    }
}

/// The body of the coroutine that a lending one stands on.
fn body<F, L, Yield, Return>(
    f: F,
) -> impl FnOnce(&crate::SuspendHandle<Loan<L>, Yield>, Loan<L>) -> Return
where
    F: FnOnce(&LendingHandle<L, Yield>) -> Return,
    L: for<'a> Lend<'a> + ?Sized,
{
    move |handle, first| LendingHandle::call(handle, first, f)
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

#[cold]
#[inline(never)]
#[track_caller]
fn no_stack(error: &StackError) -> ! {
    panic!("no stack for a lending coroutine: {error}")
}
