//! A coroutine for each connection, all on this thread.

use crate::serve::{READ_AHEAD, Usage, answer};
use coro::Coroutine;
use coro::io::{PollRead, PollWrite, Shared};
use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};

/// Tokio's streams, as `coro::io` wants them.
struct Socket(TcpStream);

impl PollRead for Socket {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(buf);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut buf))?;
        Poll::Ready(Ok(buf.filled().len()))
    }
}

impl PollWrite for Socket {
    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
}

pub(crate) fn serve(
    listener: TcpListener,
    connections: usize,
    usage: &Usage,
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(|error| format!("tokio: {error}"))?;
    LocalSet::new().block_on(&runtime, accept(listener, connections, usage))
}

async fn accept(listener: TcpListener, connections: usize, usage: &Usage) -> Result<(), String> {
    let listener = listener
        .set_nonblocking(true)
        .and_then(|()| tokio::net::TcpListener::from_std(listener))
        .map_err(|error| format!("listen: {error}"))?;
    let mut answers = JoinSet::new();
    for number in 0..connections {
        let (stream, _) = listener
            .accept()
            .await
            .map_err(|error| format!("accept: {error}"))?;
        let shared = Shared::with_capacity(READ_AHEAD, Socket(stream));
        let coroutine = Coroutine::builder()
            .name(format!("connection {number}"))
            .build_future(move |handle| answer(shared.reader(handle), shared.writer(handle)))
            .map_err(|error| format!("connection {number}: {error}"))?;
        answers.spawn_local(coroutine);
        usage.look();
    }
    while let Some(answered) = answers.join_next().await {
        answered
            .map_err(io::Error::other)
            .flatten()
            .map_err(|error| format!("a connection: {error}"))?;
    }
    Ok(())
}
