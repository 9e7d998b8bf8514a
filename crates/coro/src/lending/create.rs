//! The beginning of a lending coroutine: a closure that takes its handle for one that lends.

use super::lend::Loan;
use super::{Lend, LendingCoroutine, LendingHandle};
use crate::{Coroutine, SuspendHandle};
use sure_stack::{Stack, StackError};

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

#[cfg(feature = "std")]
impl<L, Yield, Return> LendingCoroutine<L, Yield, Return>
where
    L: for<'a> Lend<'a> + ?Sized,
{
    /// As [`try_new`](Self::try_new), for a closure and values that may borrow.
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    ///
    /// let names = [String::from("Ada"), String::from("Grace")];
    /// let writing = |handle: &LendingHandle<Vec<&str>, ()>| {
    ///     for name in &names {
    ///         handle.with(|list| list.push("and"));
    ///         handle.suspend(());
    ///         assert!(name.len() > 2);
    ///     }
    /// };
    /// // SAFETY: (1, 2) it is dropped at the end of this block, before `names`.
    /// let mut script = unsafe { LendingCoroutine::new_unchecked(writing)? };
    /// let mut list = vec![];
    /// script.resume(&mut list);
    /// assert_eq!(list, ["and"]);
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Coroutine::try_new`].
    ///
    /// # Safety
    /// As [`Coroutine::with_stack_unchecked`].
    #[inline]
    #[track_caller]
    pub unsafe fn new_unchecked<F>(f: F) -> Result<Self, StackError>
    where
        F: FnOnce(&LendingHandle<L, Yield>) -> Return,
    {
        // SAFETY: the caller promises that the coroutine is neither used after what it borrows (1),
        // nor leaked against those that depend on its destructors (2).
        unsafe { Self::with_stack_unchecked(sure_stack::PooledStack::new()?, f) }
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

impl<L, Yield, Return, S: Stack> LendingCoroutine<L, Yield, Return, S>
where
    L: for<'a> Lend<'a> + ?Sized,
{
    /// As [`try_with_stack`](Self::try_with_stack), for a closure, values and a stack that
    /// may borrow. What is lent need not be promised anything: no resume outlives it.
    ///
    /// # Errors
    /// As [`Coroutine::try_with_stack`].
    ///
    /// # Safety
    /// As [`Coroutine::with_stack_unchecked`].
    #[inline]
    #[track_caller]
    pub unsafe fn with_stack_unchecked<F>(stack: S, f: F) -> Result<Self, StackError>
    where
        F: FnOnce(&LendingHandle<L, Yield>) -> Return,
    {
        // SAFETY: the caller promises that the coroutine is neither used after what it borrows (1),
        // nor leaked against those that depend on its destructors (2); `body` borrows nothing else.
        let coroutine = unsafe { Coroutine::with_stack_unchecked(stack, body(f))? };
        Ok(LendingCoroutine { coroutine })
    }
}

#[cfg(feature = "std")]
impl<S: crate::StackSource> crate::Builder<S> {
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
        S::Stack: 'static,
    {
        let coroutine = self.build(body(f))?;
        Ok(LendingCoroutine { coroutine })
    }

    /// As [`build_lending`](crate::Builder::build_lending), for a closure and values that may borrow.
    ///
    /// # Errors
    /// As [`build`](crate::Builder::build).
    ///
    /// # Safety
    /// As [`Coroutine::with_stack_unchecked`].
    #[track_caller]
    pub unsafe fn build_lending_unchecked<F, L, Yield, Return>(
        self,
        f: F,
    ) -> Result<LendingCoroutine<L, Yield, Return, S::Stack>, StackError>
    where
        F: FnOnce(&LendingHandle<L, Yield>) -> Return,
        L: for<'a> Lend<'a> + ?Sized,
    {
        // SAFETY: the caller promises that the coroutine is neither used after what it borrows (1),
        // nor leaked against those that depend on its destructors (2); `body` borrows nothing else.
        let coroutine = unsafe { self.build_unchecked(body(f))? };
        Ok(LendingCoroutine { coroutine })
    }
}

/// The body of the coroutine that a lending one stands on.
pub(super) fn body<F, L, Yield, Return>(
    f: F,
) -> impl FnOnce(&SuspendHandle<Loan<L>, Yield>, Loan<L>) -> Return
where
    F: FnOnce(&LendingHandle<L, Yield>) -> Return,
    L: for<'a> Lend<'a> + ?Sized,
{
    move |handle, first| LendingHandle::call(handle, first, f)
}

#[cold]
#[inline(never)]
#[track_caller]
fn no_stack(error: &StackError) -> ! {
    panic!("no stack for a lending coroutine: {error}")
}
