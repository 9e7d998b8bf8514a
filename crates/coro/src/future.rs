use crate::async_handle::Poller;
use crate::{AsyncHandle, Coroutine, CoroutineState, DefaultStack, StackSource, SuspendHandle};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
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
#[track_caller]
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
    move |handle, poller| f(&AsyncHandle::new(handle, poller))
}

impl<S: StackSource<Stack: 'static>> crate::Builder<S> {
    /// As [`future`](crate::future()), with a name or a stack of its own.
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
    #[track_caller]
    pub fn build_future<F, R>(self, f: F) -> Result<CoroutineFuture<R, S::Stack>, StackError>
    where
        F: FnOnce(&AsyncHandle<'_>) -> R + 'static,
        R: 'static,
    {
        let coroutine = self.build(body(f))?;
        Ok(CoroutineFuture { coroutine })
    }
}

/// The future of [`future`](crate::future()).
///
/// ```
/// use coro::CoroutineFuture;
/// use std::pin::pin;
/// use std::task::{Context, Poll, Waker};
///
/// let mut future: CoroutineFuture<u8> = coro::future(|handle| handle.block_on(async { 7 }));
/// let mut context = Context::from_waker(Waker::noop());
/// assert_eq!(pin!(future).poll(&mut context), Poll::Ready(7));
/// ```
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
        match self.get_mut().coroutine.try_resume(Poller::new(context)) {
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
