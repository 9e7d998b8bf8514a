use super::{PollRead, PollWrite, Reader, Writer};
use crate::AsyncHandle;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::vec::Vec;

/// A stream and what was read ahead of it, for the coroutine that uses it and for the
/// owner that wants it back: clones are the same stream. See [the module](crate::io).
///
/// ```
/// use coro::io::Shared;
/// use std::io::BufRead;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// let shared = Shared::new(&b"one\ntwo"[..]);
/// let line = coro::future({
///     let shared = shared.clone();
///     move |handle| shared.reader(handle).lines().next().expect("there is a line")
/// });
/// assert_eq!(runtime.block_on(line)?, "one");
/// let (_text, unread) = shared.into_parts().expect("the coroutine is gone, and its clone");
/// assert_eq!(unread, b"two");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Shared<S> {
    inner: Rc<Inner<S>>,
}

struct Inner<S> {
    stream: RefCell<S>,
    /// `None` while a reader has it.
    unread: Cell<Option<Unread>>,
}

/// Bytes that were read ahead: those from `start` to `end`.
#[derive(Default)]
pub(super) struct Unread {
    pub(super) bytes: Vec<u8>,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<S> Shared<S> {
    /// Will read ahead up to 8 KiB.
    ///
    /// ```
    /// use coro::io::Shared;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// let shared = Shared::new(&b"abc"[..]);
    /// let all = coro::future(move |handle| std::io::read_to_string(shared.reader(handle)));
    /// assert_eq!(runtime.block_on(all)?, "abc");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new(stream: S) -> Shared<S> {
        Shared::with_capacity(8 << 10, stream)
    }

    /// Will read ahead up to `capacity` bytes, at least one.
    ///
    /// ```
    /// use coro::io::Shared;
    /// use std::io::Read;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// let shared = Shared::with_capacity(2, &b"abcdef"[..]);
    /// let stream = shared.clone();
    /// let first = coro::future(move |handle| {
    ///     let mut byte = [0];
    ///     stream.reader(handle).read_exact(&mut byte).map(|()| byte)
    /// });
    /// assert_eq!(runtime.block_on(first)?, *b"a");
    /// let (text, unread) = shared.into_parts().expect("there is no other clone");
    /// assert_eq!((text, &unread[..]), (&b"cdef"[..], &b"b"[..]));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn with_capacity(capacity: usize, stream: S) -> Shared<S> {
        let bytes = std::vec![0; capacity.max(1)];
        Shared {
            inner: Rc::new(Inner {
                stream: RefCell::new(stream),
                unread: Cell::new(Some(Unread {
                    bytes,
                    start: 0,
                    end: 0,
                })),
            }),
        }
    }

    /// A reader for the coroutine of `handle`. When it is dropped, what it has
    /// read ahead is there for the next one.
    ///
    /// ```
    /// use coro::io::Shared;
    /// use std::io::BufRead;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// let shared = Shared::new(&b"3 apples"[..]);
    /// let words = coro::future(move |handle| {
    ///     let mut count = Vec::new();
    ///     shared.reader(handle).read_until(b' ', &mut count)?;
    ///     // Another reader, which goes on where the first has stopped.
    ///     let rest = std::io::read_to_string(shared.reader(handle))?;
    ///     Ok::<_, std::io::Error>((count, rest))
    /// });
    /// assert_eq!(runtime.block_on(words)?, (b"3 ".to_vec(), "apples".to_owned()));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Panics
    /// If another reader of this stream is alive.
    #[track_caller]
    pub fn reader<'a>(&self, handle: &'a AsyncHandle<'a>) -> Reader<'a, S>
    where
        S: PollRead,
    {
        let unread = self.inner.unread.take();
        let unread = unread.expect("a stream has one reader at a time");
        Reader::new(self.clone(), handle, unread)
    }

    /// A writer for the coroutine of `handle`. It keeps nothing back: wrap it
    /// in a [`BufWriter`](std::io::BufWriter) for small writes.
    ///
    /// ```
    /// use coro::io::Shared;
    /// use std::io::Write;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// let shared = Shared::new(Vec::new());
    /// let stream = shared.clone();
    /// let hello = coro::future(move |handle| {
    ///     let mut writer = std::io::BufWriter::new(stream.writer(handle));
    ///     write!(writer, "{} {}", "hello", "world")?;
    ///     writer.flush()
    /// });
    /// runtime.block_on(hello)?;
    /// let (sent, _) = shared.into_parts().expect("there is no other clone");
    /// assert_eq!(sent, b"hello world");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn writer<'a>(&self, handle: &'a AsyncHandle<'a>) -> Writer<'a, S>
    where
        S: PollWrite,
    {
        Writer::new(self.clone(), handle)
    }

    /// The stream, and the bytes that were read ahead from it, which no reader has returned yet.
    ///
    /// ```
    /// use coro::io::Shared;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// let shared = Shared::new(&b"abc"[..]);
    /// let clone = shared.clone();
    /// let shared = shared.into_parts().err().expect("there is a clone");
    /// drop(clone);
    /// assert!(shared.into_parts().is_ok());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// `self`, as long as there are other clones, readers or writers.
    pub fn into_parts(self) -> Result<(S, Vec<u8>), Shared<S>> {
        let inner = Rc::try_unwrap(self.inner).map_err(|inner| Shared { inner })?;
        // A reader would have a clone.
        let unread = inner.unread.into_inner().unwrap_or_default();
        let bytes = unread.bytes[unread.start..unread.end].to_vec();
        Ok((inner.stream.into_inner(), bytes))
    }

    pub(super) fn put_back(&self, unread: Unread) {
        self.inner.unread.set(Some(unread));
    }

    /// Waits until the stream has done something.
    pub(super) fn wait<T>(
        &self,
        handle: &AsyncHandle<'_>,
        mut poll: impl FnMut(&mut S, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        // The stream is borrowed for each poll only, never while waiting.
        handle.try_block_on(poll_fn(|context| {
            match self.inner.stream.try_borrow_mut() {
                Ok(mut stream) => poll(&mut stream, context),
                Err(_) => Poll::Ready(Err(io::Error::other("a stream is used by its own poll"))),
            }
        }))?
    }
}

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Shared<S> {
        Shared {
            inner: self.inner.clone(),
        }
    }
}

impl<S> fmt::Debug for Shared<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
