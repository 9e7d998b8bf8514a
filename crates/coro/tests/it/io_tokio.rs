//! Streams of tokio in code that blocks, and the other way round.

use crate::polling::run;
use coro::io::{PollRead, PollWrite, Shared, Tokio};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::task::{Context, Poll};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::spawn_local;

#[test]
fn a_coroutine_serves_a_stream_of_tokio() {
    run(async {
        // Small, so that both directions wait.
        let (mut far, near) = tokio::io::duplex(3);
        let shared = Shared::with_capacity(5, Tokio(near));
        let server = spawn_local(coro::future(move |handle| {
            let mut lines = 0;
            let mut line = String::new();
            let mut writer = shared.writer(handle);
            let mut reader = shared.reader(handle);
            while reader.read_line(&mut line)? > 0 {
                writer.write_all(line.to_uppercase().as_bytes())?;
                writer.flush()?;
                line.clear();
                lines += 1;
            }
            Ok::<_, io::Error>(lines)
        }));
        for line in ["one\n", "a longer line\n", "\n"] {
            far.write_all(line.as_bytes()).await.unwrap();
            let mut answer = vec![0; line.len()];
            far.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, line.to_uppercase().as_bytes());
        }
        far.shutdown().await.unwrap();
        assert_eq!(server.await.unwrap().unwrap(), 3);
    });
}

#[test]
fn a_stream_of_ours_serves_tokio() {
    run(async {
        let mut all = Vec::new();
        Tokio(&b"some bytes"[..])
            .read_to_end(&mut all)
            .await
            .unwrap();
        assert_eq!(all, b"some bytes");
        let mut sink = Tokio(Vec::new());
        sink.write_all(b"written").await.unwrap();
        sink.flush().await.unwrap();
        sink.shutdown().await.unwrap();
        assert_eq!(sink.0, b"written");
        // There and back again.
        let shared = Shared::new(Tokio(Tokio(&b"twice"[..])));
        let text = coro::future(move |handle| {
            let mut text = String::new();
            BufReader::new(shared.reader(handle))
                .read_to_string(&mut text)
                .map(|_| text)
        });
        assert_eq!(text.await.unwrap(), "twice");
    });
}

#[test]
fn a_flush_reaches_the_stream_of_tokio() {
    run(async {
        let (mut far, near) = tokio::io::duplex(100);
        let shared = Shared::new(Tokio(tokio::io::BufWriter::new(near)));
        let written = coro::future(move |handle| {
            let mut writer = shared.writer(handle);
            writer.write_all(b"held back")?;
            writer.flush()
        });
        written.await.unwrap();
        // What is still held back is lost now.
        let mut text = String::new();
        far.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "held back");
    });
}

/// Says that it has read more than there was room for, and written more than it was given.
struct Liar;

impl PollRead for Liar {
    fn poll_read(&mut self, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        buf.fill(b'x');
        Poll::Ready(Ok(buf.len() + 1000))
    }
}

impl PollWrite for Liar {
    fn poll_write(&mut self, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }
    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_stream_that_lies_reads_what_there_was_room_for() {
    run(async {
        let mut buf = [0; 8];
        assert_eq!(Tokio(Liar).read(&mut buf).await.unwrap(), 8);
        assert_eq!(buf, [b'x'; 8]);
        let error = Tokio(Liar).write(b"lost").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    });
}

/// Counts how often it is flushed.
#[derive(Default)]
struct Flushed(usize);

impl PollWrite for Flushed {
    fn poll_write(&mut self, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }
    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0 += 1;
        Poll::Ready(Ok(()))
    }
}

#[test]
fn tokios_flush_and_shutdown_are_flushes_of_a_stream_of_ours() {
    run(async {
        let mut sink = Tokio(Flushed::default());
        sink.flush().await.unwrap();
        assert_eq!(sink.0.0, 1);
        sink.shutdown().await.unwrap();
        assert_eq!(sink.0.0, 2);
    });
}
