use super::{PollWrite, Shared};
use crate::AsyncHandle;
use std::fmt;
use std::io::{Result, Write};

/// Writes a [`Shared`] stream; made by [`Shared::writer`].
///
/// ```
/// use coro::io::{Shared, Writer};
/// use std::io::{Result, Write};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// fn log(mut writer: Writer<'_, Vec<u8>>) -> Result<()> {
///     writeln!(writer, "started")
/// }
///
/// let shared = Shared::new(Vec::new());
/// let stream = shared.clone();
/// runtime.block_on(coro::future(move |handle| log(stream.writer(handle))))?;
/// assert_eq!(shared.into_parts().expect("there is no other clone").0, b"started\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Writer<'a, S> {
    shared: Shared<S>,
    handle: &'a AsyncHandle<'a>,
}

impl<'a, S> Writer<'a, S> {
    pub(super) fn new(shared: Shared<S>, handle: &'a AsyncHandle<'a>) -> Self {
        Writer { shared, handle }
    }
}

impl<S: PollWrite> Write for Writer<'_, S> {
    /// # Errors
    /// Those of the stream, and a [`BlockOnError`](crate::BlockOnError) where
    /// the coroutine cannot wait.
    fn write(&mut self, buf: &[u8]) -> Result<usize> {
        let written = self.shared.wait(self.handle, |stream, context| {
            stream.poll_write(context, buf)
        })?;
        // A stream that says more is not believed: the caller may count on it.
        Ok(written.min(buf.len()))
    }

    /// # Errors
    /// As [`write`](Write::write).
    fn flush(&mut self) -> Result<()> {
        self.shared
            .wait(self.handle, |stream, context| stream.poll_flush(context))
    }
}

impl<S> fmt::Debug for Writer<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}
