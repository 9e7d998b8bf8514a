use super::{PollRead, PollWrite};
use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Makes a stream of tokio one of this crate's, and the other way round.
///
/// Around a stream that is [`AsyncRead`] or [`AsyncWrite`] it is [`PollRead`] or [`PollWrite`], so
/// that code which blocks can use it:
/// ```
/// use coro::io::{Shared, Tokio};
/// use std::io::BufRead;
/// use tokio::io::AsyncWriteExt;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let (mut far, near) = tokio::io::duplex(64);
/// let shared = Shared::new(Tokio(near));
/// far.write_all(b"GET /\r\n").await?;
/// let line = coro::future(move |handle| {
///     let mut line = String::new();
///     shared.reader(handle).read_line(&mut line).map(|_| line)
/// });
/// assert_eq!(line.await?, "GET /\r\n");
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// Around one that is [`PollRead`] or [`PollWrite`], it is [`AsyncRead`] or [`AsyncWrite`]:
/// ```
/// use coro::io::Tokio;
/// use tokio::io::AsyncReadExt;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let mut text = String::new();
/// Tokio(&b"from memory"[..]).read_to_string(&mut text).await?;
/// assert_eq!(text, "from memory");
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokio<S>(pub S);

impl<S: AsyncRead + Unpin> PollRead for Tokio<S> {
    fn poll_read(&mut self, context: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize>> {
        let mut buf = ReadBuf::new(buf);
        ready!(Pin::new(&mut self.0).poll_read(context, &mut buf))?;
        Poll::Ready(Ok(buf.filled().len()))
    }
}

impl<S: AsyncWrite + Unpin> PollWrite for Tokio<S> {
    fn poll_write(&mut self, context: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, buf)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }
}

impl<S: PollRead + Unpin> AsyncRead for Tokio<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let free = buf.initialize_unfilled();
        let read = ready!(self.get_mut().0.poll_read(context, free))?;
        // What a stream says of itself is not believed beyond the room it was given.
        let read = read.min(buf.remaining());
        buf.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl<S: PollWrite + Unpin> AsyncWrite for Tokio<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<Result<usize>> {
        self.get_mut().0.poll_write(context, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.get_mut().0.poll_flush(context)
    }

    /// Sends what was written on its way; the stream knows no other end than its drop.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.get_mut().0.poll_flush(context)
    }
}
