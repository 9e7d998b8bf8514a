use crate::{Coroutine, CoroutineState, DefaultStack, ResumeError, Status, unwind};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::rc::Rc;
use sure_stack::Stack;

/// A coroutine of a [`scope`](crate::scope()), which may borrow.
///
/// The scope owns the coroutine; this is the right to use it. So it
/// may be moved, swapped, or leaked, and the scope still unwinds the coroutine. Dropping it
/// unwinds the coroutine at once.
///
/// One without input and result is an iterator over what it yields, as
/// [`Iter`](crate::Iter) is.
///
/// ```
/// use std::cell::RefCell;
///
/// let log = RefCell::new(Vec::new());
/// coro::scope(|s| {
///     let mut outer = s.coroutine(|handle, ()| {
///         let mut inner = s.coroutine(|handle, ()| {
///             log.borrow_mut().push("inner");
///             handle.suspend(());
///         });
///         inner.resume(());
///         log.borrow_mut().push("outer");
///         handle.suspend(());
///     });
///     outer.resume(());
///     std::mem::forget(outer);
/// });
/// assert_eq!(log.into_inner(), ["inner", "outer"]);
/// ```
#[must_use = "a scoped coroutine that is dropped is unwound at once"]
pub struct ScopedCoroutine<'scope, Input, Yield, Return, S: Stack = DefaultStack> {
    place: Rc<Place<Input, Yield, Return, S>>,
    /// Invariant, as in the scope.
    scope: PhantomData<Cell<&'scope ()>>,
}

/// Where a scoped coroutine stays, until it is dropped in place, or taken out
/// by `unwind` and dropped.
pub(crate) struct Place<Input, Yield, Return, S: Stack> {
    /// A copy, because the coroutine's own cannot be borrowed while that runs.
    name: Option<Box<str>>,
    /// Borrowed while it runs.
    coroutine: RefCell<Option<Coroutine<Input, Yield, Return, S>>>,
}

impl<Input, Yield, Return, S: Stack> Place<Input, Yield, Return, S> {
    pub(crate) fn new(coroutine: Coroutine<Input, Yield, Return, S>) -> Self {
        Place {
            name: coroutine.name().map(Box::from),
            coroutine: RefCell::new(Some(coroutine)),
        }
    }
}

/// A place of any types.
pub(crate) trait Unwind {
    /// Drops the coroutine, wherever its [`ScopedCoroutine`] is.
    fn unwind(&self);
}

impl<Input, Yield, Return, S: Stack> Unwind for Place<Input, Yield, Return, S> {
    fn unwind(&self) {
        let Ok(mut place) = self.coroutine.try_borrow_mut() else {
            // The scope's closure runs in a frame around every coroutine of the scope.
            unwind::abort(format_args!(
                "a scope ends while one of its coroutines is running"
            ));
        };
        let coroutine = place.take();
        drop(place);
        drop(coroutine);
    }
}

impl<Input, Yield, Return, S: Stack> ScopedCoroutine<'_, Input, Yield, Return, S> {
    pub(crate) fn new(place: Rc<Place<Input, Yield, Return, S>>) -> Self {
        ScopedCoroutine {
            place,
            scope: PhantomData,
        }
    }

    /// As [`Coroutine::resume`].
    ///
    /// ```
    /// let secret = String::from("abc");
    /// coro::scope(|s| {
    ///     let mut guesses = s.coroutine(|handle, first: &str| {
    ///         let mut guess = first;
    ///         while guess != secret {
    ///             guess = handle.suspend("no");
    ///         }
    ///         "yes"
    ///     });
    ///     assert_eq!(guesses.resume("xyz").yielded(), Some("no"));
    ///     assert_eq!(guesses.resume("abc").complete(), Some("yes"));
    /// });
    /// ```
    ///
    /// # Panics
    /// - With the coroutine's own panic, if it panics.
    /// - If the coroutine is complete; [`try_resume`](Self::try_resume)
    ///   returns an error instead.
    #[inline]
    #[track_caller]
    pub fn resume(&mut self, input: Input) -> CoroutineState<Yield, Return> {
        match self.place.coroutine.borrow_mut().as_mut() {
            Some(coroutine) => coroutine.resume(input),
            None => panic!("a scoped coroutine was resumed, but its scope has unwound it"),
        }
    }

    /// As [`Coroutine::try_resume`].
    ///
    /// ```
    /// coro::scope(|s| {
    ///     let mut echo = s.coroutine(|handle, word: &str| handle.suspend(word.len()));
    ///     assert_eq!(echo.try_resume("four").unwrap().yielded(), Some(4));
    ///     assert_eq!(echo.try_resume("five").unwrap().complete(), Some("five"));
    ///     assert_eq!(echo.try_resume("six").unwrap_err().into_input(), "six");
    /// });
    /// ```
    ///
    /// # Errors
    /// [`ResumeError`], with the input, if the coroutine is complete, or its
    /// scope, which is ending, has unwound it.
    ///
    /// # Panics
    /// With the coroutine's own panic, if it panics.
    #[inline]
    pub fn try_resume(
        &mut self,
        input: Input,
    ) -> Result<CoroutineState<Yield, Return>, ResumeError<Input>> {
        match self.place.coroutine.borrow_mut().as_mut() {
            Some(coroutine) => coroutine.try_resume(input),
            None => Err(ResumeError::complete(input)),
        }
    }

    /// Where the coroutine stands in its life; complete, too, once its scope
    /// unwinds it.
    ///
    /// ```
    /// use coro::Status;
    ///
    /// coro::scope(|s| {
    ///     let mut coroutine = s.coroutine(|handle, ()| handle.suspend(()));
    ///     assert_eq!(coroutine.status(), Status::Created);
    ///     coroutine.resume(());
    ///     assert_eq!(coroutine.status(), Status::Suspended);
    /// });
    /// ```
    pub fn status(&self) -> Status {
        match self.place.coroutine.try_borrow() {
            Ok(place) => place.as_ref().map_or(Status::Complete, Coroutine::status),
            Err(_) => Status::Running,
        }
    }

    /// Whether nothing is left to resume.
    ///
    /// ```
    /// coro::scope(|s| {
    ///     let mut short = s.coroutine(|handle, ()| handle.suspend(()));
    ///     short.resume(());
    ///     assert!(!short.is_complete());
    ///     short.resume(());
    ///     assert!(short.is_complete());
    /// });
    /// ```
    pub fn is_complete(&self) -> bool {
        self.status() == Status::Complete
    }

    /// As [`Coroutine::unwind`]: drops everything in its frames now; complete afterwards.
    ///
    /// ```
    /// let log = std::cell::RefCell::new(Vec::new());
    /// coro::scope(|s| {
    ///     struct Guard<'a>(&'a std::cell::RefCell<Vec<&'static str>>);
    ///     impl Drop for Guard<'_> {
    ///         fn drop(&mut self) {
    ///             self.0.borrow_mut().push("unwound");
    ///         }
    ///     }
    ///     let mut coroutine = s.coroutine(|handle, ()| {
    ///         let _guard = Guard(&log);
    ///         handle.suspend(());
    ///     });
    ///     coroutine.resume(());
    ///     coroutine.unwind();
    ///     assert_eq!(*log.borrow(), ["unwound"]);
    ///     assert!(coroutine.is_complete());
    /// });
    /// ```
    ///
    /// # Panics
    /// As [`Coroutine::unwind`].
    pub fn unwind(&mut self) {
        if let Some(coroutine) = self.place.coroutine.borrow_mut().as_mut() {
            coroutine.unwind();
        }
    }

    /// The stack of a complete coroutine, for another use; see [`Coroutine::into_stack`].
    ///
    /// ```
    /// use coro::Coroutine;
    /// use sure_stack::GuardedMmapStack;
    ///
    /// let mut stack = GuardedMmapStack::allocate_at_least(64 << 10)?;
    /// for text in ["one", "two"] {
    ///     let builder = Coroutine::builder().stack(stack);
    ///     stack = coro::scope(|s| {
    ///         let mut coroutine = builder.build_scoped(s, |_, ()| text.len())?;
    /// #       let _: &coro::ScopedCoroutine<(), (), _, _> = &coroutine;
    ///         assert_eq!(coroutine.resume(()).complete(), Some(3));
    ///         Ok::<_, sure_stack::StackError>(coroutine.into_stack().expect("it is complete"))
    ///     })?;
    /// }
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Errors
    /// The coroutine itself, if it is not complete, or its scope has unwound it.
    pub fn into_stack(self) -> Result<S, Self> {
        let taken = {
            let mut place = self.place.coroutine.borrow_mut();
            place.take_if(|coroutine| coroutine.is_complete())
        };
        match taken.map(Coroutine::into_stack) {
            Some(Ok(stack)) => Ok(stack),
            _ => Err(self),
        }
    }

    /// The name that it was built with, as [`Coroutine::name`]; also while it runs.
    ///
    /// ```
    /// coro::scope(|s| {
    ///     let builder = coro::Coroutine::builder().name("reader");
    ///     let reader = builder.build_scoped(s, |handle, ()| handle.suspend(()))?;
    ///     assert_eq!(reader.name(), Some("reader"));
    ///     Ok::<(), sure_stack::StackError>(())
    /// })
    /// # .unwrap();
    /// ```
    pub fn name(&self) -> Option<&str> {
        self.place.name.as_deref()
    }

    /// As [`Coroutine::high_water_mark`], while it is not running.
    ///
    /// ```
    /// let text = "x".repeat(5000);
    /// coro::scope(|s| {
    ///     let mut upper = s.coroutine(|handle, ()| handle.suspend(text.to_uppercase()));
    ///     upper.resume(());
    ///     assert!(upper.high_water_mark().is_some_and(|bytes| bytes > 0));
    /// });
    /// ```
    pub fn high_water_mark(&self) -> Option<usize> {
        let place = self.place.coroutine.try_borrow().ok()?;
        place.as_ref().map(Coroutine::high_water_mark)
    }

    /// As [`Coroutine::release_unused`]; 0 while it is running, and when its scope has unwound it.
    ///
    /// ```
    /// let text = "x".repeat(5000);
    /// coro::scope(|s| {
    ///     let mut upper = s.coroutine(|handle, ()| handle.suspend(text.to_uppercase()));
    ///     upper.resume(());
    ///     upper.release_unused();
    ///     assert_eq!(upper.release_unused(), 0, "nothing has been touched meanwhile");
    /// });
    /// ```
    pub fn release_unused(&self) -> usize {
        match self.place.coroutine.try_borrow() {
            Ok(place) => place.as_ref().map_or(0, Coroutine::release_unused),
            Err(_) => 0,
        }
    }
}

impl<Item, S: Stack> Iterator for ScopedCoroutine<'_, (), Item, (), S> {
    type Item = Item;

    #[inline]
    fn next(&mut self) -> Option<Item> {
        self.try_resume(()).ok()?.yielded()
    }

    /// Exact when the iteration is over; nothing is known before.
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.is_complete().then_some(0))
    }
}

impl<Item, S: Stack> FusedIterator for ScopedCoroutine<'_, (), Item, (), S> {}

impl<Input, Yield, Return, S: Stack> fmt::Debug for ScopedCoroutine<'_, Input, Yield, Return, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedCoroutine")
            .field("name", &self.name())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
