use crate::{SuspendHandle, unwind};
use std::any::type_name;
use std::cell::Cell;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::{Pin, pin};
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

/// The context of the present poll; what a coroutine receives on each resume. Valid until the
/// coroutine suspends itself again, or ends.
pub(crate) struct Poller(NonNull<Context<'static>>);

impl Poller {
    /// The lifetime goes: the coroutine uses it only while the caller polls,
    /// that is within the resume that it is for.
    #[inline(always)]
    pub(crate) fn new(context: &mut Context<'_>) -> Poller {
        Poller(NonNull::from(context).cast())
    }
}

/// The inside of a [`future`](crate::future()): the way to wait for others.
///
/// ```
/// use coro::AsyncHandle;
/// use std::time::Duration;
///
/// /// Ordinary code, which pauses the task and not the thread.
/// fn retry<T>(handle: &AsyncHandle<'_>, mut attempt: impl FnMut() -> Option<T>) -> T {
///     loop {
///         match attempt() {
///             Some(done) => return done,
///             None => handle.block_on(tokio::time::sleep(Duration::from_millis(1))),
///         }
///     }
/// }
///
/// let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// let mut left = 3;
/// let attempts = coro::future(move |handle| {
///     retry(handle, || {
///         left -= 1;
///         (left == 0).then_some("done")
///     })
/// });
/// assert_eq!(runtime.block_on(attempts), "done");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct AsyncHandle<'a> {
    handle: &'a SuspendHandle<Poller, ()>,
    /// The context of the present poll. `None` while it is suspended, while a
    /// future is polled (which has it then), and when the coroutine is dropped.
    context: Cell<Option<NonNull<Context<'static>>>>,
}

impl<'a> AsyncHandle<'a> {
    /// In the coroutine of `handle`, which `poller` has resumed.
    pub(crate) fn new(handle: &'a SuspendHandle<Poller, ()>, Poller(context): Poller) -> Self {
        AsyncHandle {
            handle,
            context: Cell::new(Some(context)),
        }
    }

    /// Waits for a future: polls it, and suspends the coroutine while it is
    /// pending. One that is ready costs no switch.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// let (sender, receiver) = tokio::sync::oneshot::channel();
    /// let answer = coro::future(|handle| handle.block_on(receiver));
    /// std::thread::spawn(move || sender.send(42).unwrap());
    /// assert_eq!(runtime.block_on(answer), Ok(42));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Panics
    /// - Unwinds without a message, if the coroutine's future is dropped while
    ///   it waits here, or was dropped before and its body has swallowed that unwind.
    /// - If the future is pending where this coroutine cannot suspend:
    ///   [`try_block_on`](AsyncHandle::try_block_on) returns that as an error.
    ///
    /// # Aborts
    /// As [`SuspendHandle::suspend`]: if a destructor waits while its coroutine's future is
    /// being dropped. Destructors should use `try_block_on`.
    #[inline]
    #[track_caller]
    pub fn block_on<F: IntoFuture>(&self, future: F) -> F::Output {
        match self.try_block_on(future) {
            Ok(value) => value,
            Err(error) => refused(self, error),
        }
    }

    /// As [`block_on`](AsyncHandle::block_on), where it may be impossible to wait: there the
    /// future is polled once, with a waker that does nothing.
    ///
    /// ```
    /// use coro::{AsyncHandle, BlockOnError};
    /// use std::future::pending;
    ///
    /// /// Says good-bye if that takes no waiting.
    /// struct Goodbye<'a>(&'a AsyncHandle<'a>);
    /// impl Drop for Goodbye<'_> {
    ///     fn drop(&mut self) {
    ///         assert_eq!(self.0.try_block_on(async { "bye" }), Ok("bye"));
    ///         let refused = self.0.try_block_on(pending::<()>());
    ///         assert_eq!(refused, Err(BlockOnError::Cancelled));
    ///     }
    /// }
    ///
    /// let mut task = coro::future(|handle| {
    ///     let _goodbye = Goodbye(handle);
    ///     handle.block_on(pending::<()>());
    /// });
    /// let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// assert!(std::pin::Pin::new(&mut task).poll(&mut context).is_pending());
    /// drop(task);
    /// ```
    ///
    /// # Errors
    /// If the future was pending then; it is dropped.
    /// - [`BlockOnError::Cancelled`] while the coroutine unwinds because its future was
    ///   dropped. While it unwinds from a panic of its own, it waits as anywhere else; if its
    ///   future is dropped then, this is the error, too.
    /// - [`BlockOnError::NotHere`] inside of a future that this
    ///   coroutine polls in another `block_on`, or on another coroutine's stack.
    // The future may use thread-locals in its destructor: see `poll_apart`.
    #[cfg_attr(feature = "movable", inline(never))]
    #[track_caller]
    pub fn try_block_on<F: IntoFuture>(&self, future: F) -> Result<F::Output, BlockOnError> {
        let mut future = pin!(future.into_future());
        loop {
            let Some(context) = Lease::take(self) else {
                let mut once = Context::from_waker(Waker::noop());
                return match poll_apart(future.as_mut(), &mut once) {
                    Poll::Ready(value) => Ok(value),
                    Poll::Pending => Err(self.why_not()),
                };
            };
            if let Poll::Ready(value) = context.poll(future.as_mut()) {
                return Ok(value);
            }
            drop(context);
            self.wait(type_name::<F::IntoFuture>())?;
        }
    }

    /// Suspends the coroutine until it is polled again.
    #[inline]
    #[track_caller]
    pub(crate) fn wait(&self, what: &'static str) -> Result<(), BlockOnError> {
        // Without a context, a poll by this coroutine has it, and would put
        // it back after its time.
        if self.context.get().is_none() || !self.handle.may_suspend() {
            return Err(self.why_not());
        }
        self.context.set(None);
        if let Some(record) = self.handle.extras.record() {
            core::hint::cold_path();
            record.waits_for(what);
        }
        match self.handle.try_suspend(()) {
            Ok(Poller(context)) => self.context.set(Some(context)),
            // The caller may be a destructor that the coroutine's own panic runs, out of which
            // nothing unwinds.
            Err(_) if unwind::panicking() => return Err(BlockOnError::Cancelled),
            Err(unwind) => unwind.resume(),
        }
        Ok(())
    }

    /// The coroutine's name, if it was given one.
    ///
    /// ```
    /// let builder = coro::Coroutine::builder().name("fetcher");
    /// let future = builder.build_future(|handle| handle.name().map(String::from))?;
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// assert_eq!(runtime.block_on(future).as_deref(), Some("fetcher"));
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    pub fn name(&self) -> Option<&str> {
        self.handle.name()
    }

    #[cold]
    fn why_not(&self) -> BlockOnError {
        if self.handle.is_being_dropped() {
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
#[track_caller]
pub(crate) fn refused(handle: &AsyncHandle<'_>, error: BlockOnError) -> ! {
    if error == BlockOnError::Cancelled {
        handle.handle.unwind_again();
    }
    panic!("{} cannot wait: {error}", handle.handle)
}

/// Polls a future, of a runtime that uses thread-locals, say; in a function of its own where
/// the coroutine may change its thread between two polls: in one function, the compiler would
/// keep their addresses.
#[cfg_attr(feature = "movable", inline(never))]
#[cfg_attr(not(feature = "movable"), inline(always))]
fn poll_apart<F: Future>(future: Pin<&mut F>, context: &mut Context<'_>) -> Poll<F::Output> {
    future.poll(context)
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
        // returns, because only `wait` suspends, which refuses while the
        // context is not in its place. The future cannot keep the reference,
        // whose lifetime it does not know.
        poll_apart(future, unsafe { &mut *self.context.as_ptr() })
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
///
/// ```
/// use coro::BlockOnError;
/// use std::future::{pending, poll_fn};
/// use std::task::Poll;
///
/// let nested = coro::future(|handle| {
///     handle.block_on(poll_fn(|_| Poll::Ready(handle.try_block_on(pending::<()>()))))
/// });
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// assert_eq!(runtime.block_on(nested), Err(BlockOnError::NotHere));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// Non-exhaustive: there may be more reasons, and a caller can go on after any of them alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BlockOnError {
    /// The coroutine unwinds, because its future was dropped.
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
