//! `std::io` on async streams, for code that runs in a [`future`](crate::future()).
//!
//! A [`Shared`] holds a stream and the bytes that were read ahead. Its
//! [`Reader`] and [`Writer`] suspend the coroutine where a blocking stream
//! would block the thread, so that whatever is written for
//! [`Read`], [`BufRead`](std::io::BufRead) or [`Write`] runs on a socket. What kind of stream, [`PollRead`] and [`PollWrite`] say: a few
//! lines for each runtime.
//!
//! ```
//! use coro::io::{PollRead, Shared};
//! use std::io::{self, BufRead};
//! use std::pin::Pin;
//! use std::task::{Context, Poll, ready};
//! use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
//!
//! struct Tokio<S>(S);
//!
//! impl<S: AsyncRead + Unpin> PollRead for Tokio<S> {
//!     fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
//!         let mut buf = ReadBuf::new(buf);
//!         ready!(Pin::new(&mut self.0).poll_read(cx, &mut buf))?;
//!         Poll::Ready(Ok(buf.filled().len()))
//!     }
//! }
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let (mut far, near) = tokio::io::duplex(8);
//! let shared = Shared::new(Tokio(near));
//! let first_two_lines = coro::future({
//!     let shared = shared.clone();
//!     move |handle| shared.reader(handle).lines().take(2).collect::<io::Result<Vec<_>>>()
//! });
//! let tasks = tokio::task::LocalSet::new();
//! tasks.spawn_local(async move { far.write_all(b"one\ntwo\nthree").await });
//! assert_eq!(tasks.run_until(first_two_lines).await?, ["one", "two"]);
//! // What was read ahead is not lost.
//! let (_stream, unread) = shared.into_parts().expect("there is no other clone");
//! assert!(b"three".starts_with(&unread));
//! # Ok::<(), io::Error>(())
//! # })?;
//! # Ok::<(), io::Error>(())
//! ```
//!
//! # Cancel
//! A future that is dropped while its coroutine waits in a read or write unwinds it.
//! Nothing is lost: a byte that has left the stream is either in the hands of
//! the code that read it, or unread in the `Shared`, of which the caller keeps a
//! clone.
//!
//! Destructors that write, such as that of a [`BufWriter`](std::io::BufWriter), cannot
//! wait then. They try once; what the stream does not take at once
//! is an error, with [`BlockOnError::Cancelled`](crate::BlockOnError) inside.

mod reader;
mod shared;
#[cfg(feature = "tokio")]
mod tokio;
mod writer;

pub use reader::Reader;
pub use shared::Shared;
#[cfg(feature = "tokio")]
pub use tokio::Tokio;
pub use writer::Writer;

use std::io::{Read, Result, Write};
use std::task::{Context, Poll};
use std::vec::Vec;

/// A stream that can be read without blocking.
///
/// ```
/// use coro::io::PollRead;
/// use std::io::Result;
/// use std::task::{Context, Poll};
///
/// /// Never waits, as a stream from memory.
/// struct Zeros;
///
/// impl PollRead for Zeros {
///     fn poll_read(&mut self, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize>> {
///         buf.fill(0);
///         Poll::Ready(Ok(buf.len()))
///     }
/// }
/// ```
pub trait PollRead {
    /// Reads some bytes into `buf` and says how many; 0 at the end of the stream.
    /// If there are none yet, takes none, and has the task woken when to try again.
    ///
    /// ```
    /// use coro::io::PollRead;
    /// use std::task::{Context, Poll, Waker};
    ///
    /// let mut buf = [0; 2];
    /// let mut context = Context::from_waker(Waker::noop());
    /// let polled = (&b"abc"[..]).poll_read(&mut context, &mut buf);
    /// assert!(matches!(polled, Poll::Ready(Ok(2))));
    /// assert_eq!(&buf, b"ab");
    /// ```
    ///
    /// # Errors
    /// Whatever the stream says; no bytes were taken then.
    fn poll_read(&mut self, context: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize>>;
}

/// A stream that can be written without blocking.
///
/// ```
/// use coro::io::PollWrite;
/// use std::io::Result;
/// use std::task::{Context, Poll};
///
/// /// Takes a few bytes at a time, and keeps none.
/// struct Sink;
///
/// impl PollWrite for Sink {
///     fn poll_write(&mut self, _: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
///         Poll::Ready(Ok(buf.len().min(16)))
///     }
///
///     fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
///         Poll::Ready(Ok(()))
///     }
/// }
/// ```
pub trait PollWrite {
    /// Writes some bytes of `buf` and says how many. If the stream takes none
    /// now, has the task woken when to try again.
    ///
    /// ```
    /// use coro::io::PollWrite;
    /// use std::task::{Context, Poll, Waker};
    ///
    /// let mut sent = Vec::new();
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(matches!(sent.poll_write(&mut context, b"abc"), Poll::Ready(Ok(3))));
    /// assert_eq!(sent, b"abc");
    /// ```
    ///
    /// # Errors
    /// Whatever the stream says; no bytes were written then.
    fn poll_write(&mut self, context: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>>;

    /// Sends everything that was written on its way. If that takes longer,
    /// has the task woken when to try again.
    ///
    /// ```
    /// use coro::io::PollWrite;
    /// use std::task::{Context, Poll, Waker};
    ///
    /// let mut sent = Vec::new();
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(matches!(sent.poll_flush(&mut context), Poll::Ready(Ok(()))));
    /// ```
    ///
    /// # Errors
    /// Whatever the stream says.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<()>>;
}

/// Bytes that are there already; reading takes them from the front.
impl PollRead for &[u8] {
    fn poll_read(&mut self, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize>> {
        Poll::Ready(self.read(buf))
    }
}

/// Takes everything, at its end.
impl PollWrite for Vec<u8> {
    fn poll_write(&mut self, _: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        Poll::Ready(self.write(buf))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
}
