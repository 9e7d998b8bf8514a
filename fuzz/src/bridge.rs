//! The bridge to async: futures and streams whose bodies are coroutines that wait for futures, for each other and for streams of
//! bytes, polled with changing wakers, panicking, and dropped where they wait.

use crate::bytes::Bytes;
use crate::calls::{Exit, caught};
use crate::crossing::Crossing;
use crate::expected::{Expected, ensure, fail};
use coro::io::{PollRead, PollWrite, Shared};
use coro::{AsyncHandle, BlockOnError, CoroutineFuture, CoroutineStream};
use futures_core::stream::{FusedStream, Stream};
use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::io::{BufRead, Read, Result, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use testing::Drops;

const MOST_TASKS: usize = 5;
const MOST_CALLS: usize = 5;
/// Coroutines that wait for each other.
const MOST_NESTED: usize = 5;

pub(crate) fn run(bytes: &[u8]) {
    let program = Rc::new(Program {
        bytes: Bytes::new(bytes),
        crossing: Crossing::default(),
        drops: Drops::new(),
        waker: RefCell::new(Waker::noop().clone()),
        waiting: Cell::new(0),
    });
    let mut tasks: Vec<Task> = Vec::new();
    while let Some(byte) = program.bytes.next() {
        match byte % 8 {
            0 | 1 if tasks.len() < MOST_TASKS => tasks.push(Task::new(&program)),
            2 if !tasks.is_empty() => {
                let which = program.bytes.below(tasks.len());
                drop(tasks.swap_remove(which));
            }
            _ if !tasks.is_empty() => {
                let which = program.bytes.below(tasks.len());
                tasks[which].poll(&program);
            }
            _ => {}
        }
    }
    drop(tasks);
    ensure!(
        program.drops.alive() == 0,
        "{} values live at the end",
        program.drops.alive()
    );
}

struct Program {
    bytes: Bytes,
    crossing: Crossing,
    drops: Drops,
    /// That of the present poll.
    waker: RefCell<Waker>,
    /// Futures that have been polled with the present waker and were pending.
    waiting: Cell<u32>,
}

/// A waker that is another one at each poll.
struct Another;

impl Wake for Another {
    fn wake(self: Arc<Self>) {}
}

enum Body {
    Future(CoroutineFuture<u32>),
    Stream(CoroutineStream<u32>),
}

/// A future or a stream, and whether it is being polled, as its destructors know.
struct Task {
    body: Body,
    polled: Rc<Cell<bool>>,
    ended: bool,
}

impl Task {
    fn new(program: &Rc<Program>) -> Task {
        let polled = Rc::new(Cell::new(false));
        let (own, inside) = (Rc::clone(program), Rc::clone(&polled));
        let captured = program.drops.make();
        let body = match program.bytes.flag() {
            false => Body::Future(coro::future(move |handle| {
                let _captured = captured;
                Call::new(&own, handle, None, &inside, 0).run();
                own.crossing.send()
            })),
            true => Body::Stream(coro::stream(move |handle| {
                let _captured = captured;
                let send = |item| handle.send(item);
                Call::new(&own, handle, Some(&send), &inside, 0).run();
            })),
        };
        Task {
            body,
            polled,
            ended: false,
        }
    }

    fn poll(&mut self, program: &Program) {
        let waker = Waker::from(Arc::new(Another));
        program.waker.replace(waker.clone());
        program.waiting.set(0);
        let mut context = Context::from_waker(&waker);
        self.polled.set(true);
        let result = catch_unwind(AssertUnwindSafe(|| match &mut self.body {
            Body::Future(_) if self.ended => Poll::Pending,
            Body::Future(future) => Pin::new(future).poll(&mut context).map(Some),
            Body::Stream(stream) => Pin::new(stream).poll_next(&mut context),
        }));
        self.polled.set(false);
        match result {
            Ok(Poll::Pending) => {
                let waits = self.ended || program.waiting.get() > 0;
                ensure!(waits, "pending, and it waits for nothing");
            }
            Ok(Poll::Ready(Some(value))) => {
                ensure!(!self.ended, "ready after the end");
                program.crossing.arrived(value, "ready");
                self.ended = matches!(self.body, Body::Future(_));
            }
            Ok(Poll::Ready(None)) => self.ended = true,
            Err(payload) => {
                program.crossing.panicked(&*payload);
                self.ended = true;
            }
        }
        if let Body::Stream(stream) = &self.body {
            ensure!(stream.is_terminated() == self.ended, "a stream's end");
        }
    }
}

/// Pending so many times, and then ready.
struct Countdown<'a>(u32, &'a Program);

impl Future for Countdown<'_> {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        let same = context.waker().will_wake(&self.1.waker.borrow());
        ensure!(same, "polled with the waker of another poll");
        match self.0.checked_sub(1) {
            None => Poll::Ready(7),
            Some(left) => {
                self.0 = left;
                self.1.waiting.set(self.1.waiting.get() + 1);
                Poll::Pending
            }
        }
    }
}

/// Waits when it is dropped: in a task that is dropped there is no waiting.
struct Goodbye<'a>(Call<'a>);

impl Drop for Goodbye<'_> {
    fn drop(&mut self) {
        let call = self.0;
        ensure!(
            call.handle.try_block_on(async { 5 }) == Ok(5),
            "no waiting was needed"
        );
        // A task that is dropped while it waits in its panic's destructor could not be unwound from there.
        if !call.polled.get() {
            let refused = call.handle.try_block_on(pending::<()>());
            ensure!(
                refused == Err(BlockOnError::Cancelled),
                "a wait: {refused:?}"
            );
        } else if !std::thread::panicking() {
            let waited = call.handle.try_block_on(Countdown(0, call.program));
            ensure!(waited == Ok(7), "a wait: {waited:?}");
        }
    }
}

/// A call in a task's coroutine.
#[derive(Clone, Copy)]
struct Call<'a> {
    program: &'a Rc<Program>,
    handle: &'a AsyncHandle<'a>,
    send: Option<&'a dyn Fn(u32)>,
    polled: &'a Rc<Cell<bool>>,
    /// Coroutines around this one.
    nested: usize,
    calls: usize,
}

impl<'a> Call<'a> {
    fn new(
        program: &'a Rc<Program>,
        handle: &'a AsyncHandle<'a>,
        send: Option<&'a dyn Fn(u32)>,
        polled: &'a Rc<Cell<bool>>,
        nested: usize,
    ) -> Call<'a> {
        Call {
            program,
            handle,
            send,
            polled,
            nested,
            calls: 0,
        }
    }

    fn run(self) -> Exit {
        while let Some(byte) = self.program.bytes.next() {
            let exit = match byte % 16 {
                0..3 => self.wait(u32::from(byte >> 6)),
                3..5 => self.send(),
                5 => self.nest(),
                6 => self.refused(),
                7 => self.read(),
                8 => self.write(),
                9 => {
                    let _goodbye = Goodbye(self);
                    self.deeper()
                }
                10 => {
                    let _local = self.program.drops.make();
                    self.deeper()
                }
                11 => self.catch(),
                12 => resume_unwind(Box::new(Expected(self.program.crossing.send()))),
                13 => return Exit::Finish,
                14 => self.drop_one(),
                _ => return Exit::Leave,
            };
            if exit == Exit::Finish {
                return Exit::Finish;
            }
        }
        Exit::Finish
    }

    fn deeper(self) -> Exit {
        if self.calls >= MOST_CALLS {
            return Exit::Leave;
        }
        let calls = self.calls + 1;
        Call { calls, ..self }.run()
    }

    fn catch(self) -> Exit {
        caught(&self.program.crossing, || self.deeper())
    }

    fn wait(self, times: u32) -> Exit {
        let value = self.handle.block_on(Countdown(times, self.program));
        ensure!(value == 7, "waited for {value}");
        Exit::Leave
    }

    fn send(self) -> Exit {
        if let Some(send) = self.send {
            send(self.program.crossing.send());
        }
        Exit::Leave
    }

    /// Waits for another coroutine's future.
    fn nest(self) -> Exit {
        if self.nested < MOST_NESTED {
            let inner = self.inner();
            let value = self.handle.block_on(inner);
            self.program.crossing.arrived(value, "waited for");
        }
        Exit::Leave
    }

    fn inner(self) -> CoroutineFuture<u32> {
        let (program, nested) = (Rc::clone(self.program), self.nested + 1);
        // It is polled when and because the outer one is.
        let (polled, captured) = (Rc::clone(self.polled), program.drops.make());
        coro::future(move |handle| {
            let _captured = captured;
            Call::new(&program, handle, None, &polled, nested).run();
            program.crossing.send()
        })
    }

    /// Polls another coroutine's future once, and drops it wherever it is.
    fn drop_one(self) -> Exit {
        if self.nested < MOST_NESTED {
            // Its destructors must not take this task for one that polls theirs.
            let (program, polled) = (Rc::clone(self.program), Rc::new(Cell::new(true)));
            let (inside, nested) = (Rc::clone(&polled), self.nested + 1);
            let mut inner = coro::future(move |handle| {
                Call::new(&program, handle, None, &inside, nested).run();
            });
            let once = poll_fn(|context| Poll::Ready(Pin::new(&mut inner).poll(context)));
            let _ = self.handle.block_on(once);
            polled.set(false);
            drop(inner);
        }
        Exit::Leave
    }

    /// Inside of a poll there is no waiting.
    fn refused(self) -> Exit {
        let call = self;
        let tried = call.handle.block_on(poll_fn(|_| {
            let ready = call.handle.try_block_on(async { 3 });
            ensure!(ready == Ok(3), "no waiting was needed");
            Poll::Ready(call.handle.try_block_on(pending::<()>()))
        }));
        ensure!(
            tried == Err(BlockOnError::NotHere),
            "a wait in a poll: {tried:?}"
        );
        Exit::Leave
    }

    /// Reads the bytes of a stream, through several readers.
    fn read(self) -> Exit {
        let (length, capacity) = (self.program.bytes.below(200), self.program.bytes.below(40));
        let bytes = (0..length).map(|n| n as u8).collect();
        let program = Rc::clone(self.program);
        let shared = Shared::with_capacity(capacity, Pipe { bytes, program });
        let mut read = Vec::new();
        let result = self.read_all(&shared, &mut read, length);
        let Ok((pipe, unread)) = shared.into_parts() else {
            fail("a reader is left");
        };
        read.extend(unread);
        read.extend(&pipe.bytes);
        let whole = read.iter().map(|&byte| usize::from(byte)).eq(0..length);
        ensure!(whole, "{read:?} were read of {length}");
        self.went(result)
    }

    fn read_all(self, shared: &Shared<Pipe>, read: &mut Vec<u8>, length: usize) -> Result<()> {
        while let Some(byte) = self.program.bytes.next() {
            let most = usize::from(byte >> 2);
            let mut reader = shared.reader(self.handle);
            let before = read.len();
            match byte & 3 {
                0 => break,
                1 => {
                    let mut some = vec![0; most];
                    let count = reader.read(&mut some)?;
                    read.extend(&some[..count]);
                    if count == 0 && most > 0 {
                        ensure!(before == length, "ended after {before} bytes");
                        break;
                    }
                }
                2 => {
                    let some = reader.fill_buf()?;
                    let count = some.len().min(most);
                    read.extend(&some[..count]);
                    reader.consume(count);
                }
                _ => {
                    reader.read_until(most as u8, read)?;
                }
            }
        }
        Ok(())
    }

    fn write(self) -> Exit {
        let length = self.program.bytes.below(100);
        let bytes: Vec<u8> = (0..length).map(|n| n as u8).collect();
        let program = Rc::clone(self.program);
        let shared = Shared::new(Pipe {
            bytes: Vec::new(),
            program,
        });
        let mut writer = shared.writer(self.handle);
        let (first, second) = bytes.split_at(length / 2);
        let written = writer.write_all(first);
        let result = written.and_then(|()| writer.flush());
        let result = result.and_then(|()| writer.write_all(second));
        drop(writer);
        let Ok((pipe, _)) = shared.into_parts() else {
            fail("a writer is left");
        };
        let sent = match &result {
            Ok(()) => &bytes[..],
            Err(_) => &bytes[..pipe.bytes.len()],
        };
        ensure!(
            pipe.bytes == sent,
            "{:?} were written of {length}",
            pipe.bytes
        );
        self.went(result)
    }

    /// Streams of bytes fail for one reason only: the task is being dropped by a panic, where nothing unwinds it from here.
    fn went(self, result: Result<()>) -> Exit {
        let Err(error) = result else {
            return Exit::Leave;
        };
        let reason = error.get_ref().and_then(|reason| reason.downcast_ref());
        ensure!(
            reason == Some(&BlockOnError::Cancelled),
            "a stream fails: {error}"
        );
        ensure!(
            !self.polled.get(),
            "a wait is cancelled while the task is polled"
        );
        Exit::Finish
    }
}

/// A stream that is ready for as many bytes as the program says, or not ready.
struct Pipe {
    bytes: Vec<u8>,
    program: Rc<Program>,
}

impl Pipe {
    /// How many bytes, of at most so many; `None` if it is not ready.
    fn ready(&self, most: usize) -> Option<usize> {
        let byte = self.program.bytes.next().unwrap_or(255);
        if byte & 3 == 0 {
            self.program.waiting.set(self.program.waiting.get() + 1);
            return None;
        }
        Some((1 + usize::from(byte >> 2)).min(most))
    }
}

impl PollRead for Pipe {
    fn poll_read(&mut self, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize>> {
        match self.ready(buf.len().min(self.bytes.len())) {
            None => Poll::Pending,
            Some(count) => {
                let taken = self.bytes.drain(..count);
                buf.iter_mut().zip(taken).for_each(|(to, from)| *to = from);
                Poll::Ready(Ok(count))
            }
        }
    }
}

impl PollWrite for Pipe {
    fn poll_write(&mut self, _: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        match self.ready(buf.len()) {
            None => Poll::Pending,
            Some(count) => {
                self.bytes.extend(&buf[..count]);
                Poll::Ready(Ok(count))
            }
        }
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        match self.ready(0) {
            None => Poll::Pending,
            Some(_) => Poll::Ready(Ok(())),
        }
    }
}
