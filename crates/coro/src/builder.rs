use crate::handle::Name;
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
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it builds"]
pub struct Builder {
    name: Option<Name>,
    stack_size: usize,
}

impl Builder {
    pub(crate) fn new() -> Builder {
        Builder {
            name: None,
            stack_size: DEFAULT_STACK_SIZE,
        }
    }

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
    pub fn name(mut self, name: impl Into<Box<str>>) -> Builder {
        self.name = Some(name.into());
        self
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
    pub fn stack_size(mut self, bytes: usize) -> Builder {
        self.stack_size = bytes;
        self
    }

    /// The coroutine, on a stack of its own of the size that was set.
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
    /// - [`StackError::Map`], [`StackError::Guard`] if the system refuses.
    pub fn build<F, Input, Yield, Return>(
        self,
        f: F,
    ) -> Result<Coroutine<Input, Yield, Return>, StackError>
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return + 'static,
        Input: 'static,
        Yield: 'static,
        Return: 'static,
    {
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
    pub unsafe fn build_unchecked<F, Input, Yield, Return>(
        self,
        f: F,
    ) -> Result<Coroutine<Input, Yield, Return>, StackError>
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return,
    {
        let asked = self.stack_size;
        let (name, stack) = self.into_parts()?;
        // SAFETY: the caller's promises, which are the same.
        let built = unsafe { Coroutine::assemble(stack, name, f) };
        built.map_err(|error| match error {
            // In terms of what the caller has asked for.
            StackError::TooSmall { minimum, .. } => StackError::TooSmall {
                bytes: asked,
                minimum,
            },
            error => error,
        })
    }

    /// The name, and a stack of the size that was set.
    pub(crate) fn into_parts(self) -> Result<(Option<Name>, PooledStack), StackError> {
        if (1..MIN_STACK_SIZE).contains(&self.stack_size) {
            return Err(StackError::TooSmall {
                bytes: self.stack_size,
                minimum: MIN_STACK_SIZE,
            });
        }
        let stack = PooledStack::allocate_at_least(self.stack_size)?;
        Ok((self.name, stack))
    }

    /// The coroutine, on the given stack; the size that was set is ignored.
    ///
    /// ```
    /// use coro::Coroutine;
    /// use sure_stack::{GuardedMmapStack, Stack};
    ///
    /// let stack = GuardedMmapStack::allocate_at_least(1 << 20)?;
    /// let mut coroutine = Coroutine::builder()
    ///     .name("large")
    ///     .build_with_stack(stack, |handle, ()| handle.suspend('a'))?;
    /// coroutine.resume(());
    /// coroutine.resume(());
    /// assert!(coroutine.into_stack().expect("it is complete").size() >= 1 << 20);
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Errors
    /// [`StackError::TooSmall`], as [`build`](Builder::build).
    pub fn build_with_stack<F, Input, Yield, Return, S>(
        self,
        stack: S,
        f: F,
    ) -> Result<Coroutine<Input, Yield, Return, S>, StackError>
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return + 'static,
        Input: 'static,
        Yield: 'static,
        Return: 'static,
        S: Stack + 'static,
    {
        // SAFETY: all that is borrowed is so for `'static`.
        unsafe { Coroutine::assemble(stack, self.name, f) }
    }
}
