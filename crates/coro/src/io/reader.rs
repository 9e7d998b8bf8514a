use super::PollRead;
use super::shared::{Shared, Unread};
use crate::AsyncHandle;
use std::fmt;
use std::io::{BufRead, Read, Result};
use std::mem;

/// Reads a [`Shared`] stream; made by [`Shared::reader`].
///
/// It is buffered: bytes that were read ahead stay with the stream.
///
/// ```
/// use coro::io::{Reader, Shared};
/// use std::io::{BufRead, Result};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// /// Takes a reader with its type; most code takes an `impl Read` or `impl BufRead`.
/// fn header(mut reader: Reader<'_, &[u8]>) -> Result<String> {
///     let mut line = String::new();
///     reader.read_line(&mut line)?;
///     Ok(line)
/// }
///
/// let shared = Shared::new(&b"GET /\r\n\r\n"[..]);
/// let request = coro::future(move |handle| header(shared.reader(handle)));
/// assert_eq!(runtime.block_on(request)?, "GET /\r\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Reader<'a, S> {
    shared: Shared<S>,
    handle: &'a AsyncHandle<'a>,
    unread: Unread,
}

impl<'a, S> Reader<'a, S> {
    pub(super) fn new(shared: Shared<S>, handle: &'a AsyncHandle<'a>, unread: Unread) -> Self {
        Reader {
            shared,
            handle,
            unread,
        }
    }
}

impl<S: PollRead> Read for Reader<'_, S> {
    /// # Errors
    /// Those of the stream, and a [`BlockOnError`](crate::BlockOnError) where
    /// the coroutine cannot wait.
    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        if self.unread.start == self.unread.end && buf.len() >= self.unread.bytes.len() {
            let most = buf.len();
            let read = self.shared.wait(self.handle, |stream, context| {
                stream.poll_read(context, buf)
            })?;
            // A stream that says more is not believed: the caller may count on it.
            return Ok(read.min(most));
        }
        let read = self.fill_buf()?.read(buf)?;
        self.consume(read);
        Ok(read)
    }
}

impl<S: PollRead> BufRead for Reader<'_, S> {
    /// # Errors
    /// As [`read`](Read::read).
    fn fill_buf(&mut self) -> Result<&[u8]> {
        let Unread { bytes, start, end } = &mut self.unread;
        if start == end {
            let read = self.shared.wait(self.handle, |stream, context| {
                stream.poll_read(context, bytes)
            })?;
            (*start, *end) = (0, read.min(bytes.len()));
        }
        Ok(&bytes[*start..*end])
    }

    fn consume(&mut self, amount: usize) {
        let unread = &mut self.unread;
        unread.start = unread.end.min(unread.start + amount);
    }
}

impl<S> Drop for Reader<'_, S> {
    fn drop(&mut self) {
        self.shared.put_back(mem::take(&mut self.unread));
    }
}

impl<S> fmt::Debug for Reader<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}
