use crate::{Coroutine, CoroutineState, DefaultStack, SuspendHandle};
use std::cell::Cell;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::{Pin, pin};
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};
use sure_stack::{Stack, StackError};

/// A future that runs code which blocks: ordinary calls, on a stack of their
/// own, that wait for other futures.
///
/// In it, [`block_on`](AsyncHandle::block_on) suspends the coroutine, not the
/// thread: the task is pending, and goes on there when it is woken, from
/// whatever thread. No runtime is needed, and any will do that polls a task
/// on one thread (the future is not `Send`).
///
/// ```
/// use coro::AsyncHandle;
///
/// /// Knows nothing of futures.
/// fn sum(next: &mut dyn FnMut() -> Option<u32>) -> u32 {
///     std::iter::from_fn(next).sum()
/// }
///
/// let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
/// let consumer = coro::future(move |handle| {
///     sum(&mut || handle.block_on(receiver.recv()))
/// });
/// let producer = async move {
///     for i in 1..=10 {
///         sender.send(i).await.unwrap();
///     }
/// };
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// let tasks = tokio::task::LocalSet::new();
/// tasks.spawn_local(producer);
/// assert_eq!(tasks.block_on(&runtime, consumer), 55);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// Dropping the future cancels it: the coroutine unwinds from the call that it
/// waits in.
///
/// # Panics
/// - If there is no stack to be had;
///   [`Builder::build_future`](crate::Builder::build_future) returns the reason instead.
/// - [`poll`](Future::poll) panics with the closure's own panic, if it panics.
pub fn future<F, R>(f: F) -> CoroutineFuture<R>
where
    F: FnOnce(&AsyncHandle<'_>) -> R + 'static,
    R: 'static,
{
    CoroutineFuture {
        coroutine: Coroutine::new(body(f)),
    }
}

/// The coroutine's closure around a future's.
fn body<F, R>(f: F) -> impl FnOnce(&SuspendHandle<Poller, ()>, Poller) -> R + 'static
where
    F: FnOnce(&AsyncHandle<'_>) -> R + 'static,
{
    move |handle, Poller(context)| {
        f(&AsyncHandle {
            handle,
            context: Cell::new(Some(context)),
        })
    }
}

impl crate::Builder {
    /// As [`future`](crate::future()), with a name or a stack size of its own.
    ///
    /// ```
    /// let future = coro::Coroutine::builder()
    ///     .name("parser")
    ///     .stack_size(64 << 10)
    ///     .build_future(|handle| handle.block_on(async { 1 }))?;
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// assert_eq!(future.await, 1);
    /// # });
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Errors
    /// As [`build`](crate::Builder::build).
    pub fn build_future<F, R>(self, f: F) -> Result<CoroutineFuture<R>, StackError>
    where
        F: FnOnce(&AsyncHandle<'_>) -> R + 'static,
        R: 'static,
    {
        let coroutine = self.build(body(f))?;
        Ok(CoroutineFuture { coroutine })
    }
}

/// Whoever polls; what a coroutine receives on each resume. Valid until the
/// coroutine suspends itself again, or ends.
struct Poller(NonNull<Context<'static>>);

/// The future of [`future`](crate::future()).
#[must_use = "a future does nothing unless it is polled"]
pub struct CoroutineFuture<R, S: Stack = DefaultStack> {
    coroutine: Coroutine<Poller, (), R, S>,
}

/// Nothing in it minds being moved: the coroutine's frames stay where they are.
impl<R, S: Stack> Unpin for CoroutineFuture<R, S> {}

impl<R, S: Stack> Future for CoroutineFuture<R, S> {
    type Output = R;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        // The lifetime goes: the coroutine uses it within this call only.
        let poller = Poller(NonNull::from(context).cast());
        match self.get_mut().coroutine.try_resume(poller) {
            Ok(CoroutineState::Yielded(())) => Poll::Pending,
            Ok(CoroutineState::Complete(value)) => Poll::Ready(value),
            Err(_) => panic!("a future that is complete was polled"),
        }
    }
}

impl<R, S: Stack> fmt::Debug for CoroutineFuture<R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CoroutineFuture")
            .field(&self.coroutine)
            .finish()
    }
}

/// The inside of a [`future`](crate::future()): the way to wait for others.
pub struct AsyncHandle<'a> {
    handle: &'a SuspendHandle<Poller, ()>,
    /// Whoever polls the coroutine. `None` while it is suspended, while a
    /// future is polled (which has it then), and when the coroutine is dropped.
    context: Cell<Option<NonNull<Context<'static>>>>,
}

impl AsyncHandle<'_> {
    /// Waits for a future: polls it, and suspends the coroutine while it is
    /// pending. One that is ready costs no switch.
    ///
    /// # Panics
    /// - Unwinds without a message, if the coroutine's future is dropped while
    ///   it waits here.
    /// - If the future is pending where this coroutine cannot suspend:
    ///   [`try_block_on`](AsyncHandle::try_block_on) returns that as an error.
    ///   Destructors should use that one, because they run while the coroutine unwinds, too.
    #[inline]
    pub fn block_on<F: IntoFuture>(&self, future: F) -> F::Output {
        match self.try_block_on(future) {
            Ok(value) => value,
            Err(error) => refused(self, error),
        }
    }

    /// As [`block_on`](AsyncHandle::block_on), where it may be impossible to wait: there the
    /// future is polled once, with a waker that does nothing.
    ///
    /// # Errors
    /// If the future was pending then; it is dropped.
    /// - [`BlockOnError::Cancelled`] while the coroutine unwinds, because
    ///   its future was dropped, or from its own panic.
    /// - [`BlockOnError::NotHere`] inside of a future that this
    ///   coroutine polls in another `block_on`, or on another coroutine's stack.
    pub fn try_block_on<F: IntoFuture>(&self, future: F) -> Result<F::Output, BlockOnError> {
        let mut future = pin!(future.into_future());
        loop {
            let Some(context) = Lease::take(self) else {
                let mut nobody = Context::from_waker(Waker::noop());
                return match future.as_mut().poll(&mut nobody) {
                    Poll::Ready(value) => Ok(value),
                    Poll::Pending => Err(self.why_not()),
                };
            };
            if let Poll::Ready(value) = context.poll(future.as_mut()) {
                return Ok(value);
            }
            drop(context);
            if !self.handle.may_suspend() {
                return Err(self.why_not());
            }
            self.context.set(None);
            let Poller(context) = self.handle.suspend(());
            self.context.set(Some(context));
        }
    }

    /// The coroutine's name, if it was given one.
    pub fn name(&self) -> Option<&str> {
        self.handle.name()
    }

    #[cold]
    fn why_not(&self) -> BlockOnError {
        if self.handle.unwinds() {
            BlockOnError::Cancelled
        } else {
            BlockOnError::NotHere
        }
    }
}

impl fmt::Debug for AsyncHandle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncHandle")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

#[cold]
#[inline(never)]
fn refused(handle: &AsyncHandle<'_>, error: BlockOnError) -> ! {
    panic!("{} cannot wait: {error}", handle.handle)
}

/// The use of the poller's context for one poll. Nothing else uses it
/// meanwhile, because it is not in its place.
struct Lease<'a> {
    handle: &'a AsyncHandle<'a>,
    context: NonNull<Context<'static>>,
}

impl<'a> Lease<'a> {
    #[inline]
    fn take(handle: &'a AsyncHandle<'a>) -> Option<Lease<'a>> {
        let context = handle.context.take()?;
        Some(Lease { handle, context })
    }

    #[inline]
    fn poll<F: Future>(&self, future: Pin<&mut F>) -> Poll<F::Output> {
        // SAFETY: the context was in its place, so the coroutine runs, within
        // the poll that brought it and waits; it does not suspend before this
        // returns, because only `try_block_on` suspends, which needs the lease
        // itself. The future cannot keep the reference, whose lifetime it does
        // not know.
        future.poll(unsafe { &mut *self.context.as_ptr() })
    }
}

impl Drop for Lease<'_> {
    /// Also when the poll has panicked, which the coroutine may catch.
    #[inline]
    fn drop(&mut self) {
        self.handle.context.set(Some(self.context));
    }
}

/// A future was pending where the coroutine cannot wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BlockOnError {
    /// The coroutine unwinds: its future was dropped, or it panics.
    Cancelled,
    /// The call comes from inside a future that the coroutine polls in
    /// another `block_on`, or from another coroutine's stack.
    NotHere,
}

impl fmt::Display for BlockOnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BlockOnError::Cancelled => "cancelled: the coroutine is being unwound",
            BlockOnError::NotHere => {
                "waiting works only on the coroutine's own stack, and not inside of a \
                 future that it polls"
            }
        })
    }
}

impl std::error::Error for BlockOnError {}

/// Of the kind `Other`; the error is inside.
impl From<BlockOnError> for io::Error {
    fn from(error: BlockOnError) -> io::Error {
        io::Error::other(error)
    }
}
