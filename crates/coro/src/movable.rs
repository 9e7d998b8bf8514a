//! Coroutines that change their thread, by an explicit promise.
//!
//! What is the thread's own does not move: thread-locals, of which the compiler may keep an address
//! in a frame, and the count of panics. The contract of [`Movable::new`] keeps the code inside from
//! both. The library's own uses of thread-locals are kept apart by the feature `movable`, each in a
//! function that is not inlined, does not switch, and returns no address of a thread-local; so a
//! frame that is suspended holds none. (That a call is not inlined is enough: what a compiler
//! deduces of a function that reads or writes a thread-local is that it reads or writes memory, and a
//! switch may write all memory.)
//!
//! Where they are: `with_pool`, `stack_at` and `protect_thread` of `sure_stack`; here
//! `grow::with_growths`, `track::thread`, and `async_handle::poll_apart` for those of whatever is polled.
//! The note of `resumer` is left out. The standard library's count of panics is read and
//! written by functions that are not inlined, within one thread by promise 3.

use crate::{Coroutine, CoroutineState, Iter, Lend, LendingCoroutine, Resume, ResumeError};
use core::fmt;
use core::iter::FusedIterator;
use core::ops::Deref;
use sure_stack::Stack;

/// A coroutine that may be moved to another thread between two resumes, because the
/// program has promised that the code inside does not mind.
///
/// It wraps a [`Coroutine`], a [`LendingCoroutine`], an [`Iter`], a [`CoroutineFuture`] or a
/// [`CoroutineStream`], is used as that is, and is `Send` if all values that cross are, and the stack.
/// It is not `Sync`.
///
/// ```
/// use coro::{Coroutine, Movable, SuspendHandle};
///
/// let summing = Coroutine::new(|handle: &SuspendHandle<u64, u64>, mut sum: u64| {
///     loop {
///         sum += handle.suspend(sum);
///     }
/// });
/// # let _: &Coroutine<u64, u64, ()> = &summing;
/// // SAFETY: (1) its frames hold two numbers and the handle; (2, 3) it calls nothing but
/// // `suspend`, and does not panic; (4) nor does it grow.
/// let mut summing = unsafe { Movable::new(summing) };
/// summing.resume(1);
/// let sum = std::thread::spawn(move || summing.resume(2).yielded());
/// assert_eq!(sum.join().unwrap(), Some(3));
/// ```
///
/// A task of a runtime that steals work, without the promise refused by the compiler:
/// ```
/// # #[cfg(feature = "async")] {
/// use coro::Movable;
///
/// # let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
/// # runtime.block_on(async {
/// let counting = coro::future(|handle| {
///     (0..3).map(|n| handle.block_on(async move { n })).sum::<u32>()
/// });
/// // SAFETY: (1) its frames hold numbers and the handle; (2) it uses no thread-locals, but in
/// // futures, which `block_on` polls apart; (3, 4) it neither panics nor grows.
/// let counting = tokio::spawn(unsafe { Movable::new(counting) });
/// assert_eq!(counting.await.unwrap(), 3);
/// # });
/// # }
/// ```
///
/// [`CoroutineFuture`]: crate::CoroutineFuture
/// [`CoroutineStream`]: crate::CoroutineStream
#[must_use = "a coroutine does nothing until it is resumed"]
pub struct Movable<C> {
    /// Never lent `&mut`: another one, of which nothing was promised, could be put in its place.
    inner: C,
}

impl<C> Movable<C> {
    /// Promises that a coroutine may change its thread.
    ///
    /// Moving a [`Movable`] is a move like any other: what hands it to the other thread (a channel, a
    /// lock, the end of `spawn`) orders what it did here before what it does there.
    ///
    /// # Safety
    /// The promise is about the closure and all code that it calls, destructors and dependencies
    /// included, from now on until the coroutine is complete or [taken out](Movable::into_inner).
    /// Whenever the coroutine is suspended, or not yet resumed:
    /// 1. *Values.* Everything in its frames, its [locals](crate::local), and the closure may be moved to another thread: it is
    ///    [`Send`], or travels as a whole (an `Rc` of which all clones are in its frames; an inner
    ///    coroutine that they own, for which all of this holds). So none of it is a
    ///    [`MutexGuard`](std::sync::MutexGuard), a reference to a thread-local, a guard of something
    ///    that is set for the thread (a tracing span that is entered, a runtime that is entered), or a
    ///    reference to what is not [`Sync`] and stays behind; nor was it cloned from what is lent to
    ///    a [`LendingCoroutine`], or handed in otherwise, if that is not `Send`.
    /// 2. *Thread-locals.* No function that is suspended (in which the suspend is called, directly
    ///    or through other functions) itself uses a thread-local, before or after, nor does what
    ///    the compiler inlines into it. It may keep the thread-local's address in the frame, and use
    ///    it on the other thread. Such a use belongs in a function with `#[inline(never)]` that does not
    ///    suspend. What is polled by [`block_on`](crate::AsyncHandle::block_on) is in such a function already. Functions
    ///    of the standard library that are not generic are not inlined, unless it is linked with
    ///    link-time optimisation.
    /// 3. *Panics.* It is not suspended in a destructor that a panic of its own runs: each thread
    ///    counts the panics that are on their way in it, and that one would be counted in one thread and
    ///    discounted in another. (A panic that begins and is caught, or leaves the coroutine, between two
    ///    suspends is harmless.)
    /// 4. *Stacks of the thread.* It is not suspended inside of [`grow`](crate::grow()) or
    ///    [`maybe_grow`](crate::maybe_grow), whose stacks the thread keeps a list of, and no coroutine of
    ///    `coro-dynamic` is in its frames.
    /// 5. *Foreign code.* The same holds for frames of other languages that are suspended: a C
    ///    function that calls back must not rely on its thread (`errno`, a lock that it
    ///    holds, thread-locals).
    /// 6. *Tracking.* [`track::list`](crate::track::list) is not called on a thread that has made it, or a
    ///    coroutine that travels in its frames, while it may be used elsewhere: the list looks at stacks
    ///    of its own thread.
    ///
    /// On a thread that has no [alternate stack](sure_stack::overflow::protect_thread) an overflow
    /// of the coroutine's stack still faults at the guard, but without the message.
    #[inline]
    pub unsafe fn new(coroutine: C) -> Movable<C> {
        Movable { inner: coroutine }
    }

    /// The coroutine, which from now on stays on this thread.
    ///
    /// ```
    /// use coro::{Coroutine, Movable, Status};
    ///
    /// let coroutine = Coroutine::new(|handle, ()| handle.suspend(()));
    /// // SAFETY: (1-6) nothing happens inside but one suspend.
    /// let movable = unsafe { Movable::new(coroutine) };
    /// let status = std::thread::spawn(move || {
    ///     let mut coroutine = movable.into_inner();
    ///     coroutine.resume(());
    ///     coroutine.unwind();
    ///     coroutine.status()
    /// });
    /// assert_eq!(status.join().unwrap(), Status::Complete);
    /// ```
    #[inline]
    pub fn into_inner(self) -> C {
        self.inner
    }
}

/// To look at it: its status, its name, its stack. There is no way to a `&mut` of it.
impl<C> Deref for Movable<C> {
    type Target = C;

    #[inline(always)]
    fn deref(&self) -> &C {
        &self.inner
    }
}

// SAFETY: beside the frames, of which `Movable::new` was promised that they may change their thread,
// a coroutine has its stack, a token and a pointer into that, which only its owner uses; its
// values, which cross to and from any of its threads, are `Send`.
unsafe impl<Input: Send, Yield: Send, Return: Send, S: Stack + Send> Send
    for Movable<Coroutine<Input, Yield, Return, S>>
{
}

// SAFETY: as for the coroutine that it stands on. What is lent is used within one resume, on
// one thread; that nothing is kept of it is promised (1).
unsafe impl<L, Yield: Send, Return: Send, S: Stack + Send> Send
    for Movable<LendingCoroutine<L, Yield, Return, S>>
where
    L: for<'a> Lend<'a> + ?Sized,
{
}

// SAFETY: as for the coroutine that it is.
unsafe impl<Item: Send, S: Stack + Send> Send for Movable<Iter<Item, S>> {}

impl<Input, Yield, Return, S: Stack> Movable<Coroutine<Input, Yield, Return, S>> {
    /// As [`Coroutine::resume`], on any thread.
    ///
    /// # Panics
    /// As [`Coroutine::resume`].
    #[inline(always)]
    #[track_caller]
    pub fn resume(&mut self, input: Input) -> CoroutineState<Yield, Return> {
        self.inner.resume(input)
    }

    /// As [`Coroutine::try_resume`], on any thread.
    ///
    /// # Errors
    /// As [`Coroutine::try_resume`].
    ///
    /// # Panics
    /// As [`Coroutine::try_resume`].
    #[inline(always)]
    pub fn try_resume(
        &mut self,
        input: Input,
    ) -> Result<CoroutineState<Yield, Return>, ResumeError<Input>> {
        self.inner.try_resume(input)
    }
}

impl<Input, Yield, Return, S: Stack> Resume<Input> for Movable<Coroutine<Input, Yield, Return, S>> {
    type Yield = Yield;
    type Return = Return;

    #[inline(always)]
    fn resume(&mut self, input: Input) -> CoroutineState<Yield, Return> {
        self.inner.resume(input)
    }
}

impl<L, Yield, Return, S: Stack> Movable<LendingCoroutine<L, Yield, Return, S>>
where
    L: for<'a> Lend<'a> + ?Sized,
{
    /// As [`LendingCoroutine::resume`], on any thread.
    ///
    /// # Panics
    /// As [`LendingCoroutine::resume`].
    #[inline]
    #[track_caller]
    pub fn resume(&mut self, lent: &mut <L as Lend<'_>>::Lent) -> CoroutineState<Yield, Return> {
        self.inner.resume(lent)
    }

    /// As [`LendingCoroutine::try_resume`], on any thread.
    ///
    /// # Errors
    /// As [`LendingCoroutine::try_resume`].
    ///
    /// # Panics
    /// As [`LendingCoroutine::try_resume`].
    #[inline]
    pub fn try_resume(
        &mut self,
        lent: &mut <L as Lend<'_>>::Lent,
    ) -> Result<CoroutineState<Yield, Return>, ResumeError<()>> {
        self.inner.try_resume(lent)
    }
}

impl<Item, S: Stack> Iterator for Movable<Iter<Item, S>> {
    type Item = Item;

    #[inline]
    fn next(&mut self) -> Option<Item> {
        self.inner.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<Item, S: Stack> FusedIterator for Movable<Iter<Item, S>> {}

impl<C: fmt::Debug> fmt::Debug for Movable<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Movable").field(&self.inner).finish()
    }
}

#[cfg(feature = "async")]
mod polled {
    use super::Movable;
    use crate::{CoroutineFuture, CoroutineStream};
    use futures_core::Stream;
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use sure_stack::Stack;

    // SAFETY: as for the coroutine that it stands on; the context of a poll is used within one
    // resume, on one thread, and the result is `Send`.
    unsafe impl<R: Send, S: Stack + Send> Send for Movable<CoroutineFuture<R, S>> {}

    // SAFETY: as for a future. The place of the next item has two owners, this and the frames,
    // which travel together.
    unsafe impl<Item: Send, S: Stack + Send> Send for Movable<CoroutineStream<Item, S>> {}

    impl<R, S: Stack> Future for Movable<CoroutineFuture<R, S>> {
        type Output = R;

        #[inline]
        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
            Pin::new(&mut self.inner).poll(context)
        }
    }

    impl<Item, S: Stack> Stream for Movable<CoroutineStream<Item, S>> {
        type Item = Item;

        #[inline]
        fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item>> {
            Pin::new(&mut self.inner).poll_next(context)
        }

        fn size_hint(&self) -> (usize, Option<usize>) {
            self.inner.size_hint()
        }
    }
}
