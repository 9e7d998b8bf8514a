use crate::scoped::{Place, ScopedCoroutine, Unwind};
use crate::unwind::{self, Payload};
use crate::{Builder, Coroutine, StackSource, SuspendHandle};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::rc::{Rc, Weak};
use std::vec::Vec;
use sure_stack::{Stack, StackError};

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
///
/// ```
/// let words = ["one", "two", "three"];
/// let lengths = coro::scope(|s| {
///     // One for each word; the closures borrow the array, and later each other's scope.
///     let each = words.each_ref().map(|word| {
///         s.coroutine(move |handle, ()| {
///             let mut inner = s.coroutine(|handle, ()| handle.suspend(word.len()));
///             handle.suspend(inner.resume(()).yielded());
///         })
///     });
///     each.map(|mut coroutine| coroutine.resume(()).yielded().flatten())
/// });
/// assert_eq!(lengths, [Some(3), Some(3), Some(5)]);
/// ```
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
    /// ```
    /// let mut log = Vec::new();
    /// coro::scope(|s| {
    ///     let mut logger = s.coroutine(|handle, first: &str| {
    ///         let mut line = first;
    ///         loop {
    ///             log.push(line.to_owned());
    ///             line = handle.suspend(log.len());
    ///         }
    ///     });
    ///     assert_eq!(logger.resume("one").yielded(), Some(1));
    ///     assert_eq!(logger.resume("two").yielded(), Some(2));
    /// #    let _: coro::CoroutineState<usize, ()> = logger.resume("");
    /// });
    /// assert_eq!(log[..2], ["one", "two"]);
    /// ```
    ///
    /// # Panics
    /// If there is no stack to be had; [`Builder::build_scoped`] returns the
    /// reason instead.
    #[track_caller]
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
        match Coroutine::builder().build_scoped(self, f) {
            Ok(coroutine) => coroutine,
            Err(error) => panic!("no stack for a scoped coroutine: {error}"),
        }
    }

    /// Keeps a coroutine until the scope ends, or until its token is dropped.
    fn adopt<Input: 'scope, Yield: 'scope, Return: 'scope, S: Stack + 'scope>(
        &'scope self,
        coroutine: Coroutine<Input, Yield, Return, S>,
    ) -> ScopedCoroutine<'scope, Input, Yield, Return, S> {
        let place = Rc::new(Place::new(coroutine));
        let mut all = self.coroutines.borrow_mut();
        if all.len() == all.capacity() {
            // Forgets those that are no more, at least half of the list or
            // else seldom.
            all.retain(|known| known.strong_count() > 0);
            let len = all.len();
            all.reserve(len + 8);
        }
        let weak: Weak<Place<Input, Yield, Return, S>> = Rc::downgrade(&place);
        all.push(weak);
        ScopedCoroutine::new(place)
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

impl<S: StackSource> Builder<S> {
    /// As [`build`](Builder::build), for a coroutine of a [`scope`](crate::scope()).
    ///
    /// ```
    /// let text = String::from("borrowed");
    /// let length = coro::scope(|s| {
    ///     let mut coroutine = coro::Coroutine::builder()
    ///         .name("reader")
    ///         .build_scoped(s, |handle, ()| handle.suspend(text.len()))?;
    ///     assert_eq!(coroutine.name(), Some("reader"));
    ///     Ok::<_, sure_stack::StackError>(coroutine.resume(()).yielded())
    /// });
    /// assert_eq!(length?, Some(8));
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Errors
    /// As [`build`](Builder::build).
    #[track_caller]
    pub fn build_scoped<'scope, F, Input, Yield, Return>(
        self,
        scope: &'scope Scope<'scope, '_>,
        f: F,
    ) -> Result<ScopedCoroutine<'scope, Input, Yield, Return, S::Stack>, StackError>
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return + 'scope,
        Input: 'scope,
        Yield: 'scope,
        Return: 'scope,
        S::Stack: 'scope,
    {
        // SAFETY: the closure, the values and the stack outlive `'scope`. The coroutine stays in
        // its place, which only `unwind` takes it out of, so it is dropped with its place, or by
        // `unwind_all` before `'scope` ends, and not used after that (1), also where its token is
        // leaked (2).
        let coroutine = unsafe { self.build_unchecked(f)? };
        Ok(scope.adopt(coroutine))
    }
}

#[cfg(test)]
mod tests {
    use crate::{SuspendHandle, scope};

    /// A list of many entries for few coroutines would be memory that a long scope never gives back.
    #[test]
    fn the_list_is_not_much_longer_than_there_are_coroutines() {
        scope(|s| {
            let make = || s.coroutine(|handle: &SuspendHandle<(), ()>, ()| handle.suspend(()));
            let capacity = || s.coroutines.borrow().capacity();
            let kept: Vec<_> = (0..50).map(|_| make()).collect();
            assert!(capacity() <= 4 * 50, "{} for 50", capacity());
            for _ in 0..1000 {
                drop(make());
            }
            assert!(capacity() <= 4 * 50, "{} after 1000 that went", capacity());
            drop(kept);
        });
    }
}
