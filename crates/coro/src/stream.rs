use crate::async_handle::{self, Poller};
use crate::{AsyncHandle, Coroutine, CoroutineState, DefaultStack, StackSource, SuspendHandle};
use futures_core::stream::{FusedStream, Stream};
use std::cell::Cell;
use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use sure_stack::{Stack, StackError};

/// A stream of what a closure sends, from any call depth; between the items it
/// may wait for futures, as the code of a [`future`](crate::future()) does.
///
/// What [`iter`](crate::iter()) is to an `Iterator`, this is to a
/// [`Stream`] (the trait of the crate `futures-core`, which the usual
/// combinators extend).
///
/// ```
/// use coro::StreamHandle;
/// use futures_core::Stream;
/// use std::future::poll_fn;
/// use std::pin::pin;
///
/// /// Sends every number below `n`, with a pause after each.
/// fn count(handle: &StreamHandle<'_, u32>, n: u32) {
///     for i in 0..n {
///         handle.send(i);
///         handle.block_on(tokio::task::yield_now());
///     }
/// }
///
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// let sum = runtime.block_on(async {
///     let mut numbers = pin!(coro::stream(|handle| count(handle, 5)));
///     let mut sum = 0;
///     // What `StreamExt::next` of the usual crates does.
///     while let Some(number) = poll_fn(|cx| numbers.as_mut().poll_next(cx)).await {
///         sum += number;
///     }
///     sum
/// });
/// assert_eq!(sum, 0 + 1 + 2 + 3 + 4);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// A stream that is dropped half used is unwound, as any [`Coroutine`].
///
/// # Panics
/// - If there is no stack to be had;
///   [`Builder::build_stream`](crate::Builder::build_stream) returns the reason instead.
/// - `poll_next` panics with the closure's own panic, if it panics; the stream
///   is over then.
#[track_caller]
pub fn stream<F, Item>(f: F) -> CoroutineStream<Item>
where
    F: FnOnce(&StreamHandle<'_, Item>) + 'static,
    Item: 'static,
{
    let next = Rc::default();
    CoroutineStream {
        coroutine: Coroutine::new(body(Rc::clone(&next), f)),
        next,
    }
}

/// The coroutine's closure around a stream's.
fn body<F, Item>(
    next: Rc<Cell<Option<Item>>>,
    f: F,
) -> impl FnOnce(&SuspendHandle<Poller, ()>, Poller) + 'static
where
    F: FnOnce(&StreamHandle<'_, Item>) + 'static,
    Item: 'static,
{
    move |handle, poller| {
        f(&StreamHandle {
            handle: AsyncHandle::new(handle, poller),
            next,
        });
    }
}

impl<S: StackSource<Stack: 'static>> crate::Builder<S> {
    /// As [`stream`](crate::stream()), with a name or a stack of its own.
    ///
    /// ```
    /// use futures_core::Stream;
    ///
    /// let stream = coro::Coroutine::builder()
    ///     .stack_size(64 << 10)
    ///     .build_stream(|handle| handle.send('a'))?;
    /// assert_eq!(stream.size_hint(), (0, None));
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Errors
    /// As [`build`](crate::Builder::build).
    #[track_caller]
    pub fn build_stream<F, Item>(self, f: F) -> Result<CoroutineStream<Item, S::Stack>, StackError>
    where
        F: FnOnce(&StreamHandle<'_, Item>) + 'static,
        Item: 'static,
    {
        let next = Rc::default();
        let coroutine = self.build(body(Rc::clone(&next), f))?;
        Ok(CoroutineStream { coroutine, next })
    }
}

/// The stream of [`stream`](crate::stream()).
///
/// ```
/// use futures_core::Stream;
/// use std::pin::Pin;
/// use std::task::{Context, Poll, Waker};
///
/// let mut stream: coro::CoroutineStream<u8> = coro::stream(|handle| handle.send(7));
/// let mut context = Context::from_waker(Waker::noop());
/// assert_eq!(Pin::new(&mut stream).poll_next(&mut context), Poll::Ready(Some(7)));
/// assert_eq!(Pin::new(&mut stream).poll_next(&mut context), Poll::Ready(None));
/// ```
#[must_use = "a stream does nothing unless it is polled"]
pub struct CoroutineStream<Item, S: Stack = DefaultStack> {
    coroutine: Coroutine<Poller, (), (), S>,
    /// An item that was sent, from the switch that sends it to the end of the
    /// poll; empty at all other times. That a suspend sends nothing itself is
    /// what makes the handle of a stream the handle of a future, too.
    next: Rc<Cell<Option<Item>>>,
}

/// Nothing in it minds being moved: the coroutine's frames stay where they are.
impl<Item, S: Stack> Unpin for CoroutineStream<Item, S> {}

impl<Item, S: Stack> Stream for CoroutineStream<Item, S> {
    type Item = Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item>> {
        let this = self.get_mut();
        match this.coroutine.try_resume(Poller::new(context)) {
            Ok(CoroutineState::Yielded(())) => match this.next.take() {
                Some(item) => Poll::Ready(Some(item)),
                None => Poll::Pending,
            },
            Ok(CoroutineState::Complete(())) | Err(_) => Poll::Ready(None),
        }
    }

    /// Exact when the stream is over; nothing is known before.
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.is_terminated().then_some(0))
    }
}

impl<Item, S: Stack> FusedStream for CoroutineStream<Item, S> {
    fn is_terminated(&self) -> bool {
        self.coroutine.is_complete()
    }
}

impl<Item, S: Stack> fmt::Debug for CoroutineStream<Item, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CoroutineStream")
            .field(&self.coroutine)
            .finish()
    }
}

/// The inside of a [`stream`](crate::stream()): the way to send an item, and,
/// as an [`AsyncHandle`], to wait for futures.
///
/// ```
/// use coro::io::{PollRead, Shared};
/// use coro::{CoroutineStream, StreamHandle};
/// use std::io::{self, BufRead};
///
/// /// The lines of an async stream, as a stream.
/// fn lines<S: PollRead + 'static>(shared: Shared<S>) -> CoroutineStream<io::Result<String>> {
///     coro::stream(move |handle: &StreamHandle<'_, _>| {
///         shared.reader(handle).lines().for_each(|line| handle.send(line));
///     })
/// }
/// ```
pub struct StreamHandle<'a, Item> {
    handle: AsyncHandle<'a>,
    next: Rc<Cell<Option<Item>>>,
}

impl<Item> StreamHandle<'_, Item> {
    /// Sends an item, and suspends the coroutine until the next one is wanted.
    ///
    /// ```
    /// let squares = coro::stream(|handle| (1..).for_each(|i: u64| handle.send(i * i)));
    /// # drop(squares);
    /// ```
    ///
    /// # Panics
    /// - Unwinds without a message, if the stream is dropped while it waits here, or was
    ///   dropped before and the closure has swallowed that unwind.
    /// - If this coroutine cannot suspend: for the reasons that
    ///   [`BlockOnError`](crate::BlockOnError) lists. The item is dropped.
    #[inline]
    #[track_caller]
    pub fn send(&self, item: Item) {
        self.next.set(Some(item));
        if let Err(error) = self.handle.wait("the consumer of a stream") {
            drop(self.next.take());
            async_handle::refused(&self.handle, error);
        }
    }
}

impl<'a, Item> Deref for StreamHandle<'a, Item> {
    type Target = AsyncHandle<'a>;

    #[inline]
    fn deref(&self) -> &AsyncHandle<'a> {
        &self.handle
    }
}

impl<Item> fmt::Debug for StreamHandle<'_, Item> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamHandle")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
