//! `std::io` over async streams.

use crate::polling::{poll_once, run};
use coro::io::{PollRead, PollWrite, Shared};
use coro::{BlockOnError, CoroutineFuture};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::pending;
use std::io::{self, BufRead, BufWriter, Read, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::task::spawn_local;

#[derive(Debug)]
struct Tokio<S>(S);

impl<S: AsyncRead + Unpin> PollRead for Tokio<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(buf);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut buf))?;
        Poll::Ready(Ok(buf.filled().len()))
    }
}

impl<S: AsyncWrite + Unpin> PollWrite for Tokio<S> {
    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
}

/// Both ends of a pipe that holds `bytes` bytes.
fn pipe(bytes: usize) -> (DuplexStream, Shared<Tokio<DuplexStream>>) {
    let (far, near) = tokio::io::duplex(bytes);
    (far, Shared::with_capacity(16, Tokio(near)))
}

#[test]
fn a_parser_that_knows_only_read_runs_on_an_async_stream() {
    let document = r#"{"names": ["a", "b"], "numbers": [1, -2, 3.5, null, true]}"#;
    let expected: serde_json::Value = serde_json::from_str(document).unwrap();
    for chunk in [1, 3, 1000] {
        let (mut far, shared) = pipe(chunk);
        let parsed = run(async move {
            spawn_local(async move { far.write_all(document.as_bytes()).await });
            let parse = coro::future(move |handle| {
                serde_json::from_reader::<_, serde_json::Value>(shared.reader(handle))
            });
            parse.await
        });
        assert_eq!(parsed.unwrap(), expected, "pieces of {chunk}");
    }
}

#[test]
fn large_and_empty_reads() {
    let sent: Vec<u8> = (0..100_000_u32).map(|i| i.to_le_bytes()[0]).collect();
    let (mut far, shared) = pipe(1000);
    let expected = sent.clone();
    let received = run(async move {
        spawn_local(async move { far.write_all(&sent).await });
        let read = coro::future(move |handle| {
            let mut reader = shared.reader(handle);
            assert_eq!(reader.read(&mut [])?, 0, "without waiting");
            let mut all = vec![0; 3];
            reader.read_exact(&mut all)?;
            reader.read_to_end(&mut all)?;
            Ok::<_, io::Error>(all)
        });
        read.await
    });
    assert_eq!(received.unwrap(), expected);
}

#[test]
fn what_is_in_the_buffer_comes_before_what_is_read_past_it() {
    let text = "a line\nand more than what the buffer holds";
    let (mut far, shared) = pipe(100);
    let received = run(async move {
        far.write_all(text.as_bytes()).await?;
        drop(far);
        let read = coro::future(move |handle| {
            let mut reader = shared.reader(handle);
            let mut all = String::new();
            reader.read_line(&mut all)?;
            reader.read_to_string(&mut all)?;
            Ok::<_, io::Error>(all)
        });
        read.await
    });
    assert_eq!(received.unwrap(), text);
}

#[test]
fn writes_wait_for_the_other_side() {
    let (mut far, shared) = pipe(4);
    let text = run(async move {
        let task = spawn_local(coro::future(move |handle| {
            let mut writer = BufWriter::new(shared.writer(handle));
            (0..100).try_for_each(|i| writeln!(writer, "line {i}"))?;
            writer.flush()
        }));
        let mut text = String::new();
        far.read_to_string(&mut text).await.unwrap();
        task.await.unwrap().unwrap();
        text
    });
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        (lines.len(), lines[0], lines[99]),
        (100, "line 0", "line 99")
    );
}

#[test]
fn one_coroutine_reads_and_writes() {
    let (mut far, shared) = pipe(8);
    let answer = run(async move {
        let echo = spawn_local(coro::future(move |handle| {
            let mut writer = shared.writer(handle);
            for line in shared.reader(handle).lines() {
                writeln!(writer, "<{}>", line?)?;
            }
            Ok::<_, io::Error>(())
        }));
        far.write_all(b"a\nb\n").await.unwrap();
        far.shutdown().await.unwrap();
        let mut answer = String::new();
        far.read_to_string(&mut answer).await.unwrap();
        echo.await.unwrap().unwrap();
        answer
    });
    assert_eq!(answer, "<a>\n<b>\n");
}

#[test]
fn after_a_cancel_in_half_a_chunk_another_goes_on_exactly_there() {
    let (mut far, shared) = pipe(100);
    let seen = Rc::new(RefCell::new(Vec::new()));
    let (inside, stream) = (seen.clone(), shared.clone());
    run(async move {
        far.write_all(b"one two three").await.unwrap();
        let mut first = coro::future(move |handle| {
            let mut reader = stream.reader(handle);
            let mut word = Vec::new();
            reader.read_until(b' ', &mut word).unwrap();
            inside.borrow_mut().extend(word);
            handle.block_on(pending::<()>());
        });
        assert!(poll_once(&mut first).0.is_pending());
        // The reader has all of it, the parser one word.
        let shared = shared.into_parts().expect_err("the coroutine has a clone");
        drop(first);
        assert_eq!(*seen.borrow(), b"one ");

        let stream = shared.clone();
        let second = coro::future(move |handle| {
            let mut word = [0; 4];
            stream.reader(handle).read_exact(&mut word).unwrap();
            word
        });
        assert_eq!(&second.await, b"two ");

        let (mut near, unread) = shared.into_parts().expect("there is no other clone");
        assert_eq!(unread, b"three");
        far.write_all(b"more").await.unwrap();
        let mut rest = [0; 4];
        near.0.read_exact(&mut rest).await.unwrap();
        assert_eq!(&rest, b"more");
    });
}

#[test]
fn after_a_cancel_another_json_parser_goes_on() {
    let (mut far, shared) = pipe(1000);
    run(async move {
        // The first value ends in the middle of what has come, the second has no end yet.
        far.write_all(br#"{"a": 1} {"b": [2, "#).await.unwrap();
        let stream = shared.clone();
        let seen = Rc::new(RefCell::new(None));
        let inside = seen.clone();
        let mut first = coro::future(move |handle| {
            let mut reader = stream.reader(handle);
            *inside.borrow_mut() = next_value(&mut reader);
            handle.block_on(pending::<()>());
        });
        assert!(poll_once(&mut first).0.is_pending());
        assert_eq!(*seen.borrow(), Some(serde_json::json!({"a": 1})));
        drop(first);

        let stream = shared.clone();
        let second = spawn_local(coro::future(move |handle| {
            let mut reader = stream.reader(handle);
            (next_value(&mut reader), next_value(&mut reader))
        }));
        tokio::task::yield_now().await;
        far.write_all(br#"3]}{"c": null}"#).await.unwrap();
        let values = second.await.unwrap();
        let (b, c) = (
            serde_json::json!({"b": [2, 3]}),
            serde_json::json!({"c": null}),
        );
        assert_eq!(values, (Some(b), Some(c)));
        let (_, unread) = shared.into_parts().expect("there is no other clone");
        assert!(unread.is_empty());
    });
}

/// The next of several values in one stream. A value that ends with a bracket is read to
/// its last byte, and no further.
fn next_value(reader: &mut impl Read) -> Option<serde_json::Value> {
    let mut values = serde_json::Deserializer::from_reader(reader).into_iter();
    values.next().map(Result::unwrap)
}

#[test]
fn a_cancel_while_it_waits_for_bytes_loses_none() {
    let (mut far, shared) = pipe(100);
    let stream = shared.clone();
    run(async move {
        let mut first = coro::future(move |handle| {
            let mut line = String::new();
            stream.reader(handle).read_line(&mut line).unwrap();
        });
        assert!(poll_once(&mut first).0.is_pending());
        far.write_all(b"late").await.unwrap();
        drop(first);
        let (mut near, unread) = shared.into_parts().expect("there is no other clone");
        assert!(unread.is_empty());
        let mut bytes = [0; 4];
        near.0.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"late");
    });
}

/// Takes what it is told to take, then nothing.
#[derive(Default)]
struct Sink {
    taken: Vec<u8>,
    takes: VecDeque<usize>,
}

impl PollWrite for Sink {
    fn poll_write(&mut self, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let Some(most) = self.takes.pop_front() else {
            return Poll::Pending;
        };
        let taken = &buf[..most.min(buf.len())];
        self.taken.extend(taken);
        Poll::Ready(Ok(taken.len()))
    }
    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Leaves a dirty `BufWriter` on its stack, and ends as `end` says.
fn dirty(takes: &[usize], end: fn(&coro::AsyncHandle<'_>)) -> (CoroutineFuture<()>, Shared<Sink>) {
    let shared = Shared::new(Sink {
        taken: Vec::new(),
        takes: takes.iter().copied().collect(),
    });
    let stream = shared.clone();
    let future = coro::future(move |handle| {
        let mut writer = BufWriter::new(stream.writer(handle));
        writer.write_all(b"not yet written").unwrap();
        end(handle);
    });
    (future, shared)
}

#[test]
fn a_cancel_with_a_dirty_buf_writer_tries_once() {
    for (takes, written) in [
        (&[][..], &b""[..]),
        (&[3], b"not"),
        (&[100], b"not yet written"),
    ] {
        let (mut future, shared) = dirty(takes, |handle| handle.block_on(pending()));
        assert!(poll_once(&mut future).0.is_pending());
        drop(future);
        let (sink, _) = shared.into_parts().expect("there is no other clone");
        assert_eq!(sink.taken, written);
    }
}

#[test]
fn a_panic_with_a_dirty_buf_writer_waits_until_it_is_written() {
    let (mut future, shared) = dirty(&[3, 100], |_| std::panic::resume_unwind(Box::new("own")));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = poll_once(&mut future);
    }));
    assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "own");
    let (sink, _) = shared.into_parts().expect("the coroutine is complete");
    assert_eq!(sink.taken, b"not yet written");
}

#[test]
fn a_cancel_of_a_panic_that_waits_for_a_dirty_buf_writer() {
    let (mut future, shared) = dirty(&[3], |_| std::panic::resume_unwind(Box::new("own")));
    assert!(poll_once(&mut future).0.is_pending());
    assert!(std::thread::panicking());
    let dropped = std::panic::AssertUnwindSafe(|| drop(future));
    let payload = std::panic::catch_unwind(dropped).unwrap_err();
    assert_eq!(
        payload.downcast_ref(),
        Some(&"own"),
        "and its panic goes on"
    );
    assert!(!std::thread::panicking());
    let (sink, _) = shared.into_parts().expect("the coroutine is complete");
    assert_eq!(sink.taken, b"not");
}

#[test]
fn what_cannot_wait_is_an_error_that_says_why() {
    let (_far, shared) = pipe(4);
    let mut future = coro::future(move |handle| {
        let mut reader = shared.reader(handle);
        let nested = std::future::poll_fn(|_| Poll::Ready(reader.read(&mut [0])));
        handle.block_on(nested).unwrap_err()
    });
    let Poll::Ready(error) = poll_once(&mut future).0 else {
        panic!("it does not wait")
    };
    assert_ne!(
        error.kind(),
        io::ErrorKind::Interrupted,
        "no caller tries again"
    );
    let reason = error.get_ref().unwrap().downcast_ref::<BlockOnError>();
    assert_eq!(reason, Some(&BlockOnError::NotHere));
}

/// Has always as much as it is asked for, and notes how much that was.
#[derive(Clone, Default)]
struct Notes(Rc<RefCell<Vec<usize>>>);

impl PollRead for Notes {
    fn poll_read(&mut self, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().push(buf.len());
        Poll::Ready(Ok(buf.len()))
    }
}

#[test]
fn small_reads_are_gathered_and_large_ones_are_passed_on() {
    let notes = Notes::default();
    let shared = Shared::with_capacity(16, notes.clone());
    let mut future = coro::future(move |handle| {
        let mut reader = shared.reader(handle);
        for _ in 0..4 {
            reader.read_exact(&mut [0; 4]).unwrap();
        }
        assert_eq!(reader.read(&mut [0; 16]).unwrap(), 16);
        assert_eq!(reader.read(&mut [0; 100]).unwrap(), 100);
    });
    assert!(poll_once(&mut future).0.is_ready());
    assert_eq!(*notes.0.borrow(), [16, 16, 100]);
}

#[test]
fn a_stream_has_one_reader_at_a_time() {
    let (_far, shared) = pipe(4);
    let mut future = coro::future(move |handle| {
        let reader = shared.reader(handle);
        let second = std::panic::AssertUnwindSafe(|| drop(shared.reader(handle)));
        assert!(std::panic::catch_unwind(second).is_err());
        drop(reader);
        drop(shared.reader(handle));
    });
    assert!(poll_once(&mut future).0.is_ready());
}

/// Says that it has read and written more than there was.
struct Boasts;

impl PollRead for Boasts {
    fn poll_read(&mut self, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len() + 5))
    }
}

impl PollWrite for Boasts {
    fn poll_write(&mut self, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len() + 5))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::Error::other("flushed")))
    }
}

#[test]
fn a_stream_is_not_believed_more_than_was_asked_of_it() {
    for capacity in [1, 4, 100] {
        let shared = Shared::with_capacity(capacity, Boasts);
        let mut future = coro::future(move |handle| {
            let mut reader = shared.reader(handle);
            let reads = [0, 1, 50, 200].map(|len| reader.read(&mut vec![0; len]).unwrap() <= len);
            let mut writer = shared.writer(handle);
            assert_eq!(writer.write(b"abc").unwrap(), 3);
            assert_eq!(writer.flush().unwrap_err().to_string(), "flushed");
            reads
        });
        assert_eq!(poll_once(&mut future).0, Poll::Ready([true; 4]));
    }
}

#[test]
fn a_flush_passes_what_the_stream_says() {
    /// Flushes in two polls.
    struct Flushes(u8);
    impl PollWrite for Flushes {
        fn poll_write(&mut self, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(buf.len()))
        }

        fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.0 += 1;
            if self.0 == 2 {
                Poll::Ready(Ok(()))
            } else {
                Poll::Pending
            }
        }
    }
    let shared = Shared::new(Flushes(0));
    let stream = shared.clone();
    let mut future = coro::future(move |handle| stream.writer(handle).flush());
    assert!(poll_once(&mut future).0.is_pending());
    assert!(matches!(poll_once(&mut future).0, Poll::Ready(Ok(()))));
    drop(future);
    assert_eq!(shared.into_parts().unwrap().0.0, 2);
}
