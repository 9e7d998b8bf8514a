use super::lend::{Lend, Loan};
use crate::handle::Stage;
use crate::{ForcedUnwind, SuspendHandle, unwind};
use core::cell::Cell;
use core::fmt;
use core::mem;
use core::ptr::NonNull;

/// The inside of a [`LendingCoroutine`](crate::LendingCoroutine): the way to
/// what is lent to it, and the way to suspend it.
///
/// ```
/// use coro::{LendingCoroutine, LendingHandle};
///
/// /// Waits, from two calls down, until there is something.
/// fn take(handle: &LendingHandle<Vec<u32>, ()>) -> u32 {
///     loop {
///         match handle.with(|queue| queue.pop()) {
///             Some(item) => return item,
///             None => handle.suspend(()),
///         }
///     }
/// }
///
/// let mut adder = LendingCoroutine::new(|handle| take(handle) + take(handle));
/// let mut queue = vec![3];
/// assert_eq!(adder.resume(&mut queue).complete(), None);
/// queue.push(4);
/// assert_eq!(adder.resume(&mut queue).complete(), Some(7));
/// ```
pub struct LendingHandle<L, Yield>
where
    L: for<'a> Lend<'a> + ?Sized,
{
    /// The handle at the root of the same stack.
    inner: NonNull<SuspendHandle<Loan<L>, Yield>>,
    /// What the present resume lends. `None` while the coroutine is suspended,
    /// from then on if it is being dropped, and inside of `with`.
    lent: Cell<Option<Loan<L>>>,
    /// Whether some `with` has it.
    used: Cell<bool>,
}

impl<L: for<'a> Lend<'a> + ?Sized, Yield> LendingHandle<L, Yield> {
    /// Calls the body of a coroutine with a handle for it.
    #[inline]
    pub(super) fn call<R>(
        inner: &SuspendHandle<Loan<L>, Yield>,
        first: Loan<L>,
        body: impl FnOnce(&Self) -> R,
    ) -> R {
        body(&LendingHandle {
            inner: NonNull::from(inner),
            lent: Cell::new(Some(first)),
            used: Cell::new(false),
        })
    }

    #[inline(always)]
    fn inner(&self) -> &SuspendHandle<Loan<L>, Yield> {
        // SAFETY: `call` was given a reference to it that outlives `self`.
        unsafe { self.inner.as_ref() }
    }

    /// Calls `f` with what is lent to the coroutine by its present
    /// [`resume`](crate::LendingCoroutine::resume), and returns what it returns.
    ///
    /// While `f` runs, the coroutine can neither suspend nor come back here: a suspend would
    /// end the loan, and two references to it would not be exclusive. It may do everything
    /// else: panic, say, or resume another coroutine and lend on what it has.
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    ///
    /// let mut child = LendingCoroutine::new(|handle: &LendingHandle<String, ()>| {
    ///     handle.with(|text| text.push_str(", world"));
    /// });
    /// let mut parent = LendingCoroutine::new(move |handle: &LendingHandle<String, ()>| {
    ///     handle.with(|text| text.push_str("hello"));
    ///     handle.with(|text| child.resume(text));
    /// });
    /// let mut text = String::new();
    /// parent.resume(&mut text);
    /// assert_eq!(text, "hello, world");
    /// ```
    ///
    /// # Panics
    /// - With the panic of `f`.
    /// - Inside of another `with` of this coroutine.
    /// - If nothing is lent: in destructors that run because the coroutine is dropped while
    ///   suspended. (That ends the process, as any panic of a destructor during an unwind does;
    ///   use [`try_with`](Self::try_with) there.)
    #[inline]
    #[track_caller]
    pub fn with<F, R>(&self, f: F) -> R
    where
        F: for<'a, 'b> FnOnce(&'a mut <L as Lend<'b>>::Lent) -> R,
    {
        match self.try_with(f) {
            Some(value) => value,
            None => self.refuse("to use what is lent to it"),
        }
    }

    /// As [`with`](Self::with), where it is not known whether anything is lent; `None`
    /// if `f` was not called.
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    ///
    /// /// A visitor of the world, which leaves it in the end.
    /// struct Visitor<'h>(&'h LendingHandle<Vec<u32>, ()>);
    /// impl Drop for Visitor<'_> {
    ///     fn drop(&mut self) {
    ///         // There is no world if the script is dropped on its way.
    ///         self.0.try_with(|world| world.pop());
    ///     }
    /// }
    ///
    /// fn visit(handle: &LendingHandle<Vec<u32>, ()>) {
    ///     handle.with(|world| world.push(7));
    ///     let _visitor = Visitor(handle);
    ///     handle.suspend(());
    /// }
    ///
    /// let mut world = vec![];
    /// let mut script = LendingCoroutine::new(visit);
    /// script.resume(&mut world);
    /// script.resume(&mut world);
    /// assert_eq!(world, []);
    ///
    /// let mut script = LendingCoroutine::new(visit);
    /// script.resume(&mut world);
    /// drop(script);
    /// assert_eq!(world, [7]);
    /// ```
    ///
    /// # Panics
    /// With the panic of `f`.
    #[inline]
    pub fn try_with<F, R>(&self, f: F) -> Option<R>
    where
        F: for<'a, 'b> FnOnce(&'a mut <L as Lend<'b>>::Lent) -> R,
    {
        let loan = self.lent.take()?;
        self.used.set(true);
        let _used = Used { handle: self, loan };
        // SAFETY: (1) the resume that has brought the loan holds the borrow and
        // waits. It cannot return before `f` does: the coroutine's `suspend` is
        // refused, and its end aborts, as long as `used` is set. (2) The loan is
        // taken from the handle, so that there is no other reference until `f`
        // has ended. (3) `f` works for any lifetimes.
        Some(f(unsafe { loan.borrow() }))
    }

    /// Suspends the coroutine: its present [`resume`](crate::LendingCoroutine::resume)
    /// returns `value`, and this call returns with the next one, which lends anew.
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    ///
    /// let mut counter = LendingCoroutine::new(|handle: &LendingHandle<u32, u32>| {
    ///     loop {
    ///         let before = handle.with(|count| std::mem::replace(count, *count + 1));
    ///         handle.suspend(before);
    ///     }
    /// });
    /// # let _: &LendingCoroutine<u32, u32, ()> = &counter;
    /// let (mut one, mut other) = (10, 20);
    /// assert_eq!(counter.resume(&mut one).yielded(), Some(10));
    /// assert_eq!(counter.resume(&mut other).yielded(), Some(20));
    /// assert_eq!((one, other), (11, 21));
    /// ```
    ///
    /// # Panics
    /// - Inside of [`with`](Self::with): the loan would end while it is used.
    /// - As [`SuspendHandle::suspend`].
    #[inline]
    #[track_caller]
    pub fn suspend(&self, value: Yield) {
        let returned = self.give_back();
        let next = self.inner().suspend(value);
        self.take_next(returned, next);
    }

    /// As [`suspend`](Self::suspend), where the coroutine must not be unwound from here, or not
    /// yet; see [`SuspendHandle::try_suspend`].
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    ///
    /// let mut script = LendingCoroutine::new(|handle: &LendingHandle<u32, ()>| {
    ///     let unwind = loop {
    ///         handle.with(|turns| *turns += 1);
    ///         match handle.try_suspend(()) {
    ///             Ok(()) => {}
    ///             Err(unwind) => break unwind,
    ///         }
    ///     };
    ///     assert_eq!(handle.try_with(|turns| *turns), None, "nothing is lent any more");
    ///     unwind.resume()
    /// });
    /// # let _: &LendingCoroutine<u32, (), ()> = &script;
    /// let mut turns = 0;
    /// script.resume(&mut turns);
    /// script.resume(&mut turns);
    /// drop(script);
    /// assert_eq!(turns, 2);
    /// ```
    ///
    /// # Errors
    /// As [`SuspendHandle::try_suspend`].
    ///
    /// # Panics
    /// - Inside of [`with`](Self::with): the loan would end while it is used.
    /// - As [`SuspendHandle::try_suspend`].
    #[inline]
    #[track_caller]
    pub fn try_suspend(&self, value: Yield) -> Result<(), ForcedUnwind> {
        let returned = self.give_back();
        let next = self.inner().try_suspend(value)?;
        self.take_next(returned, next);
        Ok(())
    }

    /// Takes the loan away, which ends with the suspend that follows. If there is none, the coroutine
    /// is being dropped, or this handle was smuggled out: the handle at the root says what becomes of
    /// the suspend.
    ///
    /// # Panics
    /// If the loan is being used.
    #[inline]
    #[track_caller]
    fn give_back(&self) -> Option<Refused<'_, L, Yield>> {
        // Taken before the suspend, not after: while the coroutine is suspended, a copy of
        // this reference that was smuggled out must find nothing.
        match self.lent.take() {
            Some(loan) => Some(Refused { handle: self, loan }),
            None => {
                core::hint::cold_path();
                if self.used.get() {
                    self.refuse("to suspend");
                }
                None
            }
        }
    }

    /// Keeps what the next resume lends.
    #[inline]
    fn take_next(&self, returned: Option<Refused<'_, L, Yield>>, next: Loan<L>) {
        mem::forget(returned);
        self.lent.set(Some(next));
    }

    /// As [`SuspendHandle::on_parent_stack`]. Inside of [`with`](Self::with), too: the coroutine waits,
    /// and does not suspend.
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    ///
    /// let mut script = LendingCoroutine::new(|handle: &LendingHandle<Vec<u8>, ()>| {
    ///     handle.with(|list| handle.on_parent_stack(|| list.push(1)));
    /// });
    /// let mut list = vec![];
    /// script.resume(&mut list);
    /// assert_eq!(list, [1]);
    /// ```
    ///
    /// # Panics
    /// As [`SuspendHandle::on_parent_stack`].
    #[track_caller]
    pub fn on_parent_stack<F, R>(&self, f: F) -> R
    where
        F: FnOnce() -> R,
    {
        self.inner().on_parent_stack(f)
    }

    #[cold]
    #[inline(never)]
    #[track_caller]
    fn refuse(&self, to: &str) -> ! {
        let inner = self.inner();
        if self.used.get() {
            panic!(
                "{inner} was asked {to} inside of `with`: \
                 what is lent is used there, by one call at a time"
            );
        }
        panic!(
            "{inner} was asked {to}, but nothing is lent to it while it is suspended or dropped"
        );
    }

    /// The coroutine's name, if it was given one.
    ///
    /// ```
    /// use coro::{LendingCoroutine, LendingHandle};
    ///
    /// let mut script = LendingCoroutine::new(|handle: &LendingHandle<(), ()>| {
    ///     assert_eq!(handle.name(), None);
    /// });
    /// script.resume(&mut ());
    /// ```
    pub fn name(&self) -> Option<&str> {
        self.inner().name()
    }
}

/// Puts the loan back when `with` is over, by a return or by a panic.
struct Used<'a, L: for<'b> Lend<'b> + ?Sized, Yield> {
    handle: &'a LendingHandle<L, Yield>,
    loan: Loan<L>,
}

impl<L: for<'a> Lend<'a> + ?Sized, Yield> Drop for Used<'_, L, Yield> {
    #[inline]
    fn drop(&mut self) {
        self.handle.lent.set(Some(self.loan));
        self.handle.used.set(false);
    }
}

/// Puts the loan back if a suspend was refused: then the resume that has brought
/// it still waits. Dropped only by an unwind, by that or by a forced one.
struct Refused<'a, L: for<'b> Lend<'b> + ?Sized, Yield> {
    handle: &'a LendingHandle<L, Yield>,
    loan: Loan<L>,
}

impl<L: for<'a> Lend<'a> + ?Sized, Yield> Drop for Refused<'_, L, Yield> {
    fn drop(&mut self) {
        if !matches!(self.handle.inner().stage.get(), Stage::Unwinding { .. }) {
            self.handle.lent.set(Some(self.loan));
        }
    }
}

impl<L: for<'a> Lend<'a> + ?Sized, Yield> Drop for LendingHandle<L, Yield> {
    #[inline]
    fn drop(&mut self) {
        if self.used.get() {
            // Some other coroutine is suspended inside of `with`, with a
            // reference that ends now. Scopes do not let that happen; a
            // scoped thread-local, that was not unset in order, does.
            unwind::abort(format_args!(
                "{} ends while what was lent to it is used by another coroutine",
                self.inner()
            ));
        }
    }
}

impl<L: for<'a> Lend<'a> + ?Sized, Yield> fmt::Debug for LendingHandle<L, Yield> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LendingHandle")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
