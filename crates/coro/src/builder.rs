use crate::current;
use crate::extras::Options;
use crate::{Coroutine, MIN_STACK_SIZE, SuspendHandle};
use std::boxed::Box;
use sure_stack::{DEFAULT_STACK_SIZE, PooledStack, Stack, StackError};

/// A coroutine with a name, a stack size, or a stack of its own.
///
/// ```
/// use coro::Coroutine;
///
/// let coroutine = Coroutine::builder()
///     .name("parser")
///     .stack_size(64 << 10)
///     .build(|handle, ()| handle.suspend(1_u8))?;
/// assert_eq!(coroutine.name(), Some("parser"));
/// # Ok::<(), sure_stack::StackError>(())
/// ```
///
/// `S` is where the stack comes from: a [`StackSize`], or the [`stack`](Builder::stack) itself.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it builds"]
pub struct Builder<S = StackSize> {
    options: Options,
    source: S,
}

/// A stack that is yet to be had, of so many bytes at least; of
/// [`DEFAULT_STACK_SIZE`](sure_stack::DEFAULT_STACK_SIZE) unless a
/// [`Builder`] was told otherwise.
///
/// ```
/// /// A recipe for many.
/// fn workers() -> coro::Builder<coro::StackSize> {
///     coro::Coroutine::builder().name("worker").stack_size(64 << 10)
/// }
/// # let _: coro::Builder = workers();
/// ```
#[derive(Clone, Debug)]
pub struct StackSize(usize);

/// Where a [`Builder`] takes the stack from. There is nothing to implement.
///
/// ```
/// use coro::{Builder, Coroutine, StackSource, SuspendHandle};
/// use sure_stack::StackError;
///
/// /// Finishes any builder.
/// fn counter<S: StackSource<Stack: 'static>>(
///     builder: Builder<S>,
/// ) -> Result<impl Iterator<Item = u32>, StackError> {
///     let body = |handle: &SuspendHandle<(), u32>, ()| (0..3).for_each(|n| handle.suspend(n));
///     Ok(builder.name("counter").build(body)?.into_iter())
/// }
/// assert_eq!(counter(Coroutine::builder().stack_size(1 << 20))?.sum::<u32>(), 3);
/// # Ok::<(), StackError>(())
/// ```
pub trait StackSource {
    /// The stack.
    type Stack: Stack;

    /// Makes the stack, if there is none yet.
    #[doc(hidden)]
    fn into_stack(self) -> Result<Self::Stack, StackError>;
}

impl StackSource for StackSize {
    type Stack = PooledStack;

    #[inline]
    fn into_stack(self) -> Result<PooledStack, StackError> {
        let StackSize(bytes) = self;
        if (1..MIN_STACK_SIZE).contains(&bytes) {
            return Err(StackError::TooSmall {
                bytes,
                minimum: MIN_STACK_SIZE,
            });
        }
        PooledStack::allocate_at_least(bytes)
    }
}

impl<S: Stack> StackSource for S {
    type Stack = S;

    #[inline]
    fn into_stack(self) -> Result<S, StackError> {
        Ok(self)
    }
}

impl Builder {
    #[inline]
    pub(crate) fn new() -> Builder {
        Builder {
            options: Options::NONE,
            source: StackSize(DEFAULT_STACK_SIZE),
        }
    }

    /// The least size of the stack, in bytes. It is rounded up to a power of two from 16 KiB
    /// to 8 MiB, of which the thread has pools; beyond that to whole pages, and such a stack
    /// is mapped and unmapped on its own, which takes microseconds.
    ///
    /// ```
    /// fn depth(n: u64) -> u64 {
    ///     if n == 0 { 0 } else { 1 + depth(n - 1) }
    /// }
    ///
    /// let builder = coro::Coroutine::builder().stack_size(32 << 20);
    /// let mut deep = builder.build(|handle, n| handle.suspend(depth(n)))?;
    /// assert_eq!(deep.resume(50_000).yielded(), Some(50_000));
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    #[inline]
    pub fn stack_size(mut self, bytes: usize) -> Builder {
        self.source = StackSize(bytes);
        self
    }

    /// The stack itself, instead of a size.
    ///
    /// ```
    /// use coro::Coroutine;
    /// use sure_stack::{GuardedMmapStack, Stack};
    ///
    /// let stack = GuardedMmapStack::allocate_at_least(1 << 20)?;
    /// let mut coroutine = Coroutine::builder()
    ///     .name("large")
    ///     .stack(stack)
    ///     .build(|handle, ()| handle.suspend('a'))?;
    /// coroutine.resume(());
    /// coroutine.resume(());
    /// assert!(coroutine.into_stack().expect("it is complete").size() >= 1 << 20);
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    #[inline]
    pub fn stack<S: Stack>(self, stack: S) -> Builder<S> {
        Builder {
            options: self.options,
            source: stack,
        }
    }
}

impl<S: StackSource> Builder<S> {
    /// The name, for messages about the coroutine. That of a stack overflow
    /// has it if [`overflow::install`](sure_stack::overflow::install) was called
    /// before the coroutine is built.
    ///
    /// ```
    /// use coro::{Coroutine, SuspendHandle};
    ///
    /// let builder = Coroutine::builder().name(format!("worker {}", 7));
    /// let worker = builder.build(|_: &SuspendHandle<(), ()>, ()| ())?;
    /// assert_eq!(worker.name(), Some("worker 7"));
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    pub fn name(mut self, name: impl Into<Box<str>>) -> Builder<S> {
        self.options.name = Some(name.into());
        self
    }

    /// Whether the coroutine is [tracked](crate::track), even if others are not. Once
    /// [`track::enable`](crate::track::enable) was called, all are.
    ///
    /// ```
    /// let mut coroutine = coro::Coroutine::builder()
    ///     .tracked(true)
    ///     .build(|handle, ()| handle.suspend(()))?;
    /// coroutine.resume(());
    /// let line = coro::track::list()[0].suspended_at().map(|place| place.line());
    /// assert!(line.is_some());
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    pub fn tracked(mut self, tracked: bool) -> Builder<S> {
        self.options.tracked = tracked;
        self
    }

    /// Gives memory back whenever the coroutine is suspended with more than so many *idle* bytes of its
    /// stack: pages below its frames that code has touched. What
    /// [`release_unused`](Coroutine::release_unused) does, without a scheduler that calls it.
    ///
    /// It is for coroutines that wait for long and in large numbers, of which some make a deep call now
    /// and then. The resumer looks after each suspend, which takes a system call (mincore(2)), a fraction of a
    /// microsecond. Where there is more, giving it back takes another one (madvise(2)), and each page
    /// a fault when it is touched again; so the limit should be above what every turn takes. It is kept
    /// in whole pages. Such a coroutine is [tracked](Builder::tracked); others pay nothing.
    ///
    /// ```
    /// use coro::{Coroutine, SuspendHandle};
    ///
    /// #[inline(never)]
    /// fn deep_call() -> u8 {
    ///     let buffer = std::hint::black_box([7; 100 << 10]);
    ///     buffer[4]
    /// }
    ///
    /// let mut waiting = Coroutine::builder()
    ///     .release_idle(32 << 10)
    ///     .build(|handle: &SuspendHandle<(), u8>, ()| handle.suspend(deep_call()))?;
    /// waiting.resume(());
    /// assert!(waiting.release_unused() <= 32 << 10, "the buffer's pages are gone already");
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    pub fn release_idle(mut self, more_than_bytes: usize) -> Builder<S> {
        self.options.most_idle = Some(more_than_bytes);
        self
    }

    /// Lets code inside the coroutine find it without a handle:
    /// [`with_current`](crate::with_current), [`current_name`](crate::current_name) and
    /// coroutine-locals ([`local!`](crate::local!)).
    ///
    /// It costs an allocation, and an entry in a map when the coroutine is made and dropped. Resumes
    /// and suspends are as without it.
    ///
    /// ```
    /// use coro::{Coroutine, SuspendHandle};
    ///
    /// /// Called by code that knows nothing of coroutines.
    /// fn progress(percent: u32) {
    ///     let _ = coro::with_current::<(), u32, _>(|handle| handle.suspend(percent));
    /// }
    ///
    /// let builder = Coroutine::builder().findable();
    /// let mut work = builder.build(|_: &SuspendHandle<(), u32>, ()| progress(50))?;
    /// assert_eq!(work.resume(()).yielded(), Some(50));
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    pub fn findable(mut self) -> Builder<S> {
        self.options.findable = true;
        self
    }

    /// The coroutine.
    ///
    /// ```
    /// use coro::{Coroutine, SuspendHandle};
    /// use sure_stack::StackError;
    ///
    /// let tiny = Coroutine::builder().stack_size(1);
    /// match tiny.build(|_: &SuspendHandle<(), ()>, ()| "runs") {
    ///     Err(StackError::TooSmall { minimum, .. }) => assert_eq!(minimum, coro::MIN_STACK_SIZE),
    ///     Ok(mut coroutine) => assert_eq!(coroutine.resume(()).complete(), Some("runs")),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok::<(), StackError>(())
    /// ```
    ///
    /// # Errors
    /// - [`StackError::InvalidSize`] for a size of 0 or beyond `isize::MAX`.
    /// - [`StackError::TooSmall`] for less than
    ///   [`MIN_STACK_SIZE`](crate::MIN_STACK_SIZE) bytes, or if an `Input`, a `Yield` or a
    ///   `Return` takes more than half of the stack.
    /// - [`StackError::Map`], [`StackError::Guard`] if the system refuses; [`StackError::Thread`] where each
    ///   coroutine is a thread (the portable backend of `sure-context`), and it refuses that.
    ///
    /// # Aborts
    /// If the heap has no memory for the name, or for a closure of more than a quarter of the stack,
    /// which goes there, the process ends, as it does when a collection has none.
    #[inline]
    #[track_caller]
    pub fn build<F, Input, Yield, Return>(
        mut self,
        f: F,
    ) -> Result<Coroutine<Input, Yield, Return, S::Stack>, StackError>
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return + 'static,
        Input: 'static,
        Yield: 'static,
        Return: 'static,
        S::Stack: 'static,
    {
        self.options.types = Some(current::type_of::<Input, Yield>());
        // SAFETY: all that is borrowed is so for `'static`.
        unsafe { self.build_unchecked(f) }
    }

    /// As [`build`](Builder::build), for a closure and values that may borrow.
    ///
    /// # Errors
    /// As [`build`](Builder::build).
    ///
    /// # Safety
    /// As [`Coroutine::with_stack_unchecked`].
    #[inline]
    #[track_caller]
    pub unsafe fn build_unchecked<F, Input, Yield, Return>(
        self,
        f: F,
    ) -> Result<Coroutine<Input, Yield, Return, S::Stack>, StackError>
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return,
    {
        let Builder { options, source } = self;
        // SAFETY: the caller promises (1) and (2) of `with_stack_unchecked`, which `assemble` asks.
        unsafe { Coroutine::assemble(source.into_stack()?, options, f) }
    }
}
