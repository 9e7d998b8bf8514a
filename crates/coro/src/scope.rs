use crate::handle::Name;
use crate::unwind::{self, Payload};
use crate::{Builder, Coroutine, CoroutineState, DefaultStack, ResumeError, Status, SuspendHandle};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::mem;
use std::rc::{Rc, Weak};
use std::string::String;
use std::vec::Vec;
use sure_stack::StackError;

/// A place for coroutines that borrow: before it returns, all of them are gone.
///
/// ```
/// use coro::{CoroutineState, SuspendHandle};
///
/// let words = vec!["borrowed", "not", "moved"];
/// let mut count = 0;
/// let longest = coro::scope(|s| {
///     let mut lengths = s.coroutine(|handle: &SuspendHandle<(), usize>, ()| {
///         for word in &words {
///             handle.suspend(word.len());
///             count += 1;
///         }
///     });
///     assert_eq!(lengths.resume(()), CoroutineState::Yielded(8));
///     lengths.max()
/// });
/// assert_eq!(longest, Some(5));
/// assert_eq!((count, words.len()), (3, 3));
/// ```
///
/// A coroutine unwinds when its [`ScopedCoroutine`] is dropped; those that are
/// left, because they were leaked, say, when the scope ends, newest first. Also if
/// `f` panics.
///
/// # Panics
/// - With the panic of `f`, after everything has been unwound.
/// - With the first panic of a coroutine that was unwound at the end, after
///   the others have been unwound, too.
///
/// # Aborts
/// With a message, if a suspended coroutine is left in a build with
/// `panic = "abort"`, which cannot unwind it.
pub fn scope<'env, F, R>(f: F) -> R
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> R,
{
    let scope = Scope {
        coroutines: RefCell::new(Vec::new()),
        scope: PhantomData,
        env: PhantomData,
    };
    let outcome = unwind::catch(|| f(&scope));
    let late = scope.unwind_all();
    match (outcome, late) {
        (Ok(value), None) => value,
        (Ok(_), Some(payload)) => unwind::go_on(payload),
        (Err(payload), late) => {
            if let Some(late) = late {
                discard(late);
            }
            unwind::go_on(payload)
        }
    }
}

/// Drops the payload of a panic that another one has overtaken; should the
/// payload panic in turn, that is not heard.
fn discard(payload: Payload) {
    if let Err(again) = unwind::catch(move || drop(payload)) {
        mem::forget(again);
    }
}

/// Where coroutines that borrow are made: see [`scope`](crate::scope()).
///
/// `'scope` is the time until the last of them is gone; `'env`, which is
/// longer, that of what they borrow. Coroutines of the scope may borrow the
/// scope itself, and make more.
pub struct Scope<'scope, 'env: 'scope> {
    /// Every coroutine of the scope, oldest first, and some that are no more.
    coroutines: RefCell<Vec<Weak<dyn Unwind + 'scope>>>,
    /// Invariant: a longer or a shorter scope is another one.
    scope: PhantomData<Cell<&'scope ()>>,
    env: PhantomData<Cell<&'env ()>>,
}

impl<'scope> Scope<'scope, '_> {
    /// A coroutine on a pooled stack, as by [`Coroutine::new`], whose closure and values may
    /// borrow what outlives the scope.
    ///
    /// # Panics
    /// If there is no stack to be had; [`Builder::build_scoped`] returns the
    /// reason instead.
    pub fn coroutine<F, Input, Yield, Return>(
        &'scope self,
        f: F,
    ) -> ScopedCoroutine<'scope, Input, Yield, Return>
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return + 'scope,
        Input: 'scope,
        Yield: 'scope,
        Return: 'scope,
    {
        match DefaultStack::new().and_then(|stack| self.adopt(stack, None, f)) {
            Ok(coroutine) => coroutine,
            Err(error) => panic!("no stack for a scoped coroutine: {error}"),
        }
    }

    fn adopt<F, Input, Yield, Return>(
        &'scope self,
        stack: DefaultStack,
        name: Option<Name>,
        f: F,
    ) -> Result<ScopedCoroutine<'scope, Input, Yield, Return>, StackError>
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return + 'scope,
        Input: 'scope,
        Yield: 'scope,
        Return: 'scope,
    {
        // SAFETY: the closure and the values outlive `'scope`. The coroutine
        // stays in its place, which nobody takes it out of but `unwind`, so it
        // is dropped with its place, or by `unwind_all` before `'scope` ends.
        let coroutine = unsafe { Coroutine::borrowing(stack, name, f)? };
        let place = Rc::new(Place {
            coroutine: RefCell::new(Some(coroutine)),
        });
        let mut all = self.coroutines.borrow_mut();
        if all.len() == all.capacity() {
            // Forgets those that are no more, at least half of the list or
            // else seldom.
            all.retain(|known| known.strong_count() > 0);
            let len = all.len();
            all.reserve(len + 8);
        }
        let weak: Weak<Place<Input, Yield, Return>> = Rc::downgrade(&place);
        all.push(weak);
        Ok(ScopedCoroutine {
            place,
            scope: PhantomData,
        })
    }

    /// Drops every coroutine, newest first, also those that are made meanwhile.
    /// Never panics; returns the first panic instead.
    fn unwind_all(&self) -> Option<Payload> {
        let mut first = None;
        loop {
            // A statement of its own, so that the list is not borrowed below.
            let newest = self.coroutines.borrow_mut().pop();
            let Some(newest) = newest else { return first };
            let Some(place) = newest.upgrade() else {
                continue;
            };
            match unwind::catch(move || place.unwind()) {
                Err(payload) if first.is_none() => first = Some(payload),
                Err(payload) => discard(payload),
                Ok(()) => {}
            }
        }
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

impl Builder {
    /// As [`build`](Builder::build), for a coroutine of a [`scope`](crate::scope()).
    ///
    /// ```
    /// let text = String::from("borrowed");
    /// let length = coro::scope(|s| {
    ///     let mut coroutine = coro::Coroutine::builder()
    ///         .name("reader")
    ///         .build_scoped(s, |handle, ()| handle.suspend(text.len()))?;
    ///     assert_eq!(coroutine.name().as_deref(), Some("reader"));
    ///     Ok::<_, sure_stack::StackError>(coroutine.resume(()).yielded())
    /// });
    /// assert_eq!(length?, Some(8));
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Errors
    /// As [`build`](Builder::build).
    pub fn build_scoped<'scope, F, Input, Yield, Return>(
        self,
        scope: &'scope Scope<'scope, '_>,
        f: F,
    ) -> Result<ScopedCoroutine<'scope, Input, Yield, Return>, StackError>
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return + 'scope,
        Input: 'scope,
        Yield: 'scope,
        Return: 'scope,
    {
        let (name, stack) = self.into_parts()?;
        scope.adopt(stack, name, f)
    }
}

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
pub struct ScopedCoroutine<'scope, Input, Yield, Return> {
    place: Rc<Place<Input, Yield, Return>>,
    /// Invariant, as in the scope.
    scope: PhantomData<Cell<&'scope ()>>,
}

/// Where a scoped coroutine stays, until it is dropped in place, or taken out
/// by `unwind` and dropped.
struct Place<Input, Yield, Return> {
    /// Borrowed while it runs.
    coroutine: RefCell<Option<Coroutine<Input, Yield, Return>>>,
}

/// A place of any types.
trait Unwind {
    /// Drops the coroutine, wherever its [`ScopedCoroutine`] is.
    fn unwind(&self);
}

impl<Input, Yield, Return> Unwind for Place<Input, Yield, Return> {
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

impl<Input, Yield, Return> ScopedCoroutine<'_, Input, Yield, Return> {
    /// As [`Coroutine::resume`].
    ///
    /// # Panics
    /// - With the coroutine's own panic, if it panics.
    /// - If the coroutine is complete; [`try_resume`](Self::try_resume)
    ///   returns an error instead.
    #[inline]
    pub fn resume(&mut self, input: Input) -> CoroutineState<Yield, Return> {
        match self.place.coroutine.borrow_mut().as_mut() {
            Some(coroutine) => coroutine.resume(input),
            None => panic!("a scoped coroutine was resumed, but its scope has unwound it"),
        }
    }

    /// As [`Coroutine::try_resume`].
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
            None => Err(ResumeError::new(input)),
        }
    }

    /// Where the coroutine stands in its life.
    pub fn status(&self) -> Status {
        match self.place.coroutine.try_borrow() {
            Ok(place) => place.as_ref().map_or(Status::Complete, Coroutine::status),
            Err(_) => Status::Running,
        }
    }

    /// Whether nothing is left to resume.
    pub fn is_complete(&self) -> bool {
        self.status() == Status::Complete
    }

    /// The name that it was built with.
    pub fn name(&self) -> Option<String> {
        let place = self.place.coroutine.try_borrow().ok()?;
        place.as_ref()?.name().map(String::from)
    }
}

impl<Item> Iterator for ScopedCoroutine<'_, (), Item, ()> {
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

impl<Item> FusedIterator for ScopedCoroutine<'_, (), Item, ()> {}

impl<Input, Yield, Return> fmt::Debug for ScopedCoroutine<'_, Input, Yield, Return> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedCoroutine")
            .field("name", &self.name())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
