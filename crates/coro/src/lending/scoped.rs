use super::create::body;
use super::lend::Loan;
use super::{Lend, LendingHandle};
use crate::{
    Builder, CoroutineState, DefaultStack, ResumeError, Scope, ScopedCoroutine, StackSource, Status,
};
use std::fmt;
use sure_stack::{Stack, StackError};

/// A lending coroutine of a [`scope`](crate::scope()), which may borrow: a
/// [`LendingCoroutine`](crate::LendingCoroutine) as a [`ScopedCoroutine`] is a [`Coroutine`](crate::Coroutine).
///
/// ```
/// use coro::LendingHandle;
///
/// let route = vec!["north", "east"];
/// let mut world = String::new();
/// coro::scope(|s| {
///     let mut walker = s.lending(|handle: &LendingHandle<String, usize>| {
///         for (step, direction) in route.iter().enumerate() {
///             handle.with(|world| world.push_str(direction));
///             handle.suspend(step);
///         }
///     });
///     assert_eq!(walker.resume(&mut world).yielded(), Some(0));
///     assert_eq!(walker.resume(&mut world).yielded(), Some(1));
/// });
/// assert_eq!(world, "northeast");
/// ```
#[must_use = "a scoped coroutine that is dropped is unwound at once"]
pub struct ScopedLendingCoroutine<'scope, L, Yield, Return, S: Stack = DefaultStack>
where
    L: for<'a> Lend<'a> + ?Sized,
{
    coroutine: ScopedCoroutine<'scope, Loan<L>, Yield, Return, S>,
}

impl<'scope> Scope<'scope, '_> {
    /// A lending coroutine on a pooled stack, whose closure and values may borrow what outlives the
    /// scope.
    ///
    /// ```
    /// use coro::LendingHandle;
    ///
    /// let bonus = 5;
    /// let mut score = 1;
    /// coro::scope(|s| {
    ///     let mut script = s.lending(|handle: &LendingHandle<u32, ()>| {
    ///         handle.with(|score| *score += bonus);
    ///     });
    ///     script.resume(&mut score);
    /// });
    /// assert_eq!(score, 6);
    /// ```
    ///
    /// # Panics
    /// If there is no stack to be had; [`Builder::build_scoped_lending`] returns the reason instead.
    #[track_caller]
    pub fn lending<F, L, Yield, Return>(
        &'scope self,
        f: F,
    ) -> ScopedLendingCoroutine<'scope, L, Yield, Return>
    where
        F: FnOnce(&LendingHandle<L, Yield>) -> Return + 'scope,
        L: for<'a> Lend<'a> + ?Sized + 'scope,
        Yield: 'scope,
        Return: 'scope,
    {
        let coroutine = self.coroutine(body(f));
        ScopedLendingCoroutine { coroutine }
    }
}

impl<S: StackSource> Builder<S> {
    /// As [`build_scoped`](Builder::build_scoped), for a coroutine that is lent something at each resume.
    ///
    /// ```
    /// use coro::{Coroutine, LendingHandle};
    ///
    /// let text = String::from("borrowed");
    /// let length = coro::scope(|s| {
    ///     let builder = Coroutine::builder().name("reader").stack_size(64 << 10);
    ///     let mut reader = builder.build_scoped_lending(s, |handle: &LendingHandle<usize, ()>| {
    ///         handle.with(|length| *length = text.len());
    ///     })?;
    ///     assert_eq!(reader.name(), Some("reader"));
    ///     let mut length = 0;
    ///     reader.resume(&mut length);
    ///     Ok::<_, sure_stack::StackError>(length)
    /// });
    /// assert_eq!(length?, 8);
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Errors
    /// As [`build`](Builder::build).
    #[track_caller]
    pub fn build_scoped_lending<'scope, F, L, Yield, Return>(
        self,
        scope: &'scope Scope<'scope, '_>,
        f: F,
    ) -> Result<ScopedLendingCoroutine<'scope, L, Yield, Return, S::Stack>, StackError>
    where
        F: FnOnce(&LendingHandle<L, Yield>) -> Return + 'scope,
        L: for<'a> Lend<'a> + ?Sized + 'scope,
        Yield: 'scope,
        Return: 'scope,
        S::Stack: 'scope,
    {
        let coroutine = self.build_scoped(scope, body(f))?;
        Ok(ScopedLendingCoroutine { coroutine })
    }
}

/// What it has in common with a [`ScopedCoroutine`] is documented there, with examples.
impl<L, Yield, Return, S: Stack> ScopedLendingCoroutine<'_, L, Yield, Return, S>
where
    L: for<'a> Lend<'a> + ?Sized,
{
    /// As [`LendingCoroutine::resume`](crate::LendingCoroutine::resume).
    ///
    /// # Panics
    /// As [`ScopedCoroutine::resume`].
    #[inline]
    #[track_caller]
    pub fn resume(&mut self, lent: &mut <L as Lend<'_>>::Lent) -> CoroutineState<Yield, Return> {
        self.coroutine.resume(Loan::new(lent))
    }

    /// As [`LendingCoroutine::try_resume`](crate::LendingCoroutine::try_resume).
    ///
    /// # Errors
    /// As [`ScopedCoroutine::try_resume`], without what was lent.
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

    /// As [`ScopedCoroutine::status`].
    pub fn status(&self) -> Status {
        self.coroutine.status()
    }

    /// As [`ScopedCoroutine::is_complete`].
    pub fn is_complete(&self) -> bool {
        self.coroutine.is_complete()
    }

    /// As [`ScopedCoroutine::unwind`], with nothing lent.
    ///
    /// # Panics
    /// As [`Coroutine::unwind`](crate::Coroutine::unwind).
    pub fn unwind(&mut self) {
        self.coroutine.unwind();
    }

    /// As [`ScopedCoroutine::into_stack`].
    ///
    /// # Errors
    /// The coroutine itself, if it is not complete, or its scope has unwound it.
    pub fn into_stack(self) -> Result<S, Self> {
        self.coroutine
            .into_stack()
            .map_err(|coroutine| ScopedLendingCoroutine { coroutine })
    }

    /// As [`ScopedCoroutine::name`].
    pub fn name(&self) -> Option<&str> {
        self.coroutine.name()
    }

    /// As [`ScopedCoroutine::high_water_mark`].
    pub fn high_water_mark(&self) -> Option<usize> {
        self.coroutine.high_water_mark()
    }

    /// As [`ScopedCoroutine::release_unused`].
    pub fn release_unused(&self) -> usize {
        self.coroutine.release_unused()
    }
}

impl<L, Yield, Return, S: Stack> fmt::Debug for ScopedLendingCoroutine<'_, L, Yield, Return, S>
where
    L: for<'a> Lend<'a> + ?Sized,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedLendingCoroutine")
            .field("name", &self.name())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
