use crate::{Coroutine, SuspendHandle};
use sure_stack::{Stack, StackError};

#[cfg(feature = "std")]
impl<Input: 'static, Yield: 'static, Return: 'static> Coroutine<Input, Yield, Return> {
    /// A coroutine on a pooled stack of [`DEFAULT_STACK_SIZE`](sure_stack::DEFAULT_STACK_SIZE).
    ///
    /// ```
    /// use coro::{Coroutine, SuspendHandle};
    ///
    /// // What goes in and out is inferred, or said where the closure's arguments are named.
    /// let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), &str>, ()| {
    ///     handle.suspend("hello");
    ///     5
    /// });
    /// assert_eq!(coroutine.resume(()).yielded(), Some("hello"));
    /// assert_eq!(coroutine.resume(()).complete(), Some(5));
    /// ```
    ///
    /// # Panics
    /// If there is no stack to be had; [`try_new`](Coroutine::try_new) returns
    /// the reason instead.
    #[inline]
    pub fn new<F>(f: F) -> Self
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return + 'static,
    {
        match Coroutine::try_new(f) {
            Ok(coroutine) => coroutine,
            Err(error) => no_stack(&error),
        }
    }

    /// As [`new`](Coroutine::new).
    ///
    /// ```
    /// use coro::Coroutine;
    ///
    /// let mut coroutine = Coroutine::try_new(|handle, n: u32| handle.suspend(n + 1))?;
    /// assert_eq!(coroutine.resume(1).yielded(), Some(2));
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Errors
    /// Any [`StackError`] of [`PooledStack::new`](sure_stack::PooledStack::new);
    /// [`StackError::TooSmall`] if `Return` takes more than half of the stack.
    #[inline]
    pub fn try_new<F>(f: F) -> Result<Self, StackError>
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return + 'static,
    {
        Coroutine::assemble(sure_stack::PooledStack::new()?, None, f)
    }
}

#[cfg(feature = "std")]
impl Coroutine<(), (), ()> {
    /// A coroutine with a name or a stack size of its own; see
    /// [`Builder`](crate::Builder).
    ///
    /// ```
    /// let builder = coro::Coroutine::builder().name("parser").stack_size(64 << 10);
    /// let mut parser = builder.build(|handle, byte: u8| handle.suspend(byte.is_ascii_digit()))?;
    /// assert_eq!(parser.resume(b'7').yielded(), Some(true));
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    pub fn builder() -> crate::Builder {
        crate::Builder::new()
    }
}

impl<Input: 'static, Yield: 'static, Return: 'static, S: Stack + 'static>
    Coroutine<Input, Yield, Return, S>
{
    /// A coroutine on the given stack.
    ///
    /// ```
    /// use coro::Coroutine;
    /// use sure_stack::GuardedMmapStack;
    ///
    /// let stack = GuardedMmapStack::allocate_at_least(1 << 20)?;
    /// let mut coroutine = Coroutine::with_stack(stack, |handle, n: u32| handle.suspend(n * 2));
    /// assert_eq!(coroutine.resume(4).yielded(), Some(8));
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Panics
    /// If the stack is too small; [`try_with_stack`](Coroutine::try_with_stack)
    /// returns an error instead.
    pub fn with_stack<F>(stack: S, f: F) -> Self
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return + 'static,
    {
        match Coroutine::try_with_stack(stack, f) {
            Ok(coroutine) => coroutine,
            Err(error) => no_stack(&error),
        }
    }

    /// A coroutine on the given stack.
    ///
    /// ```
    /// use coro::{Coroutine, SuspendHandle};
    /// use sure_stack::{GuardedMmapStack, StackError};
    ///
    /// let page = GuardedMmapStack::allocate_at_least(1)?;
    /// let refused = Coroutine::try_with_stack(page, |_: &SuspendHandle<(), ()>, ()| ());
    /// // Unless a page is large here.
    /// if let Err(error) = refused {
    ///     assert!(matches!(error, StackError::TooSmall { .. }));
    /// }
    /// # Ok::<(), StackError>(())
    /// ```
    ///
    /// # Errors
    /// [`StackError::TooSmall`] if the stack has less than [`MIN_STACK_SIZE`]
    /// bytes, or if a `Return` takes more than half of it.
    pub fn try_with_stack<F>(stack: S, f: F) -> Result<Self, StackError>
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return + 'static,
    {
        Coroutine::assemble(stack, None, f)
    }
}

#[cold]
#[inline(never)]
fn no_stack(error: &StackError) -> ! {
    panic!("no stack for a coroutine: {error}")
}
