//! Sockets that are waited for by tasks.

use crate::scheduler::{Scheduler, Task, TaskId};
use mio::event::Source;
use mio::{Events, Interest, Poll, Token, net};
use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

/// All sockets of a scheduler.
pub(crate) struct Sockets {
    poll: RefCell<Poll>,
    events: RefCell<Events>,
    /// The task that waits for a socket, by the socket's token.
    waiting: RefCell<Vec<Option<TaskId>>>,
    free: RefCell<Vec<usize>>,
    /// How many of them are waited for.
    waits: Cell<usize>,
}

impl Sockets {
    pub(crate) fn new() -> io::Result<Sockets> {
        Ok(Sockets {
            poll: RefCell::new(Poll::new()?),
            events: RefCell::new(Events::with_capacity(1024)),
            waiting: RefCell::default(),
            free: RefCell::default(),
            waits: Cell::new(0),
        })
    }

    pub(crate) fn are_waited_for(&self) -> bool {
        self.waits.get() > 0
    }

    /// Waits for events, and wakes the tasks that wait for them.
    pub(crate) fn poll(
        &self,
        timeout: Option<Duration>,
        mut wake: impl FnMut(TaskId),
    ) -> io::Result<()> {
        let mut events = self.events.borrow_mut();
        match self.poll.borrow_mut().poll(&mut events, timeout) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in events.iter() {
            let Token(token) = event.token();
            if let Some(task) = self.waiting.borrow()[token] {
                wake(task);
            }
        }
        Ok(())
    }
}

/// A socket that tells the scheduler when it is ready.
struct Socket<S: Source> {
    source: S,
    token: usize,
    scheduler: Rc<Scheduler>,
}

impl<S: Source> Socket<S> {
    fn new(mut source: S, scheduler: &Rc<Scheduler>) -> io::Result<Socket<S>> {
        let sockets = &scheduler.sockets;
        let token = sockets.free.borrow_mut().pop().unwrap_or_else(|| {
            sockets.waiting.borrow_mut().push(None);
            sockets.waiting.borrow().len() - 1
        });
        let interest = Interest::READABLE | Interest::WRITABLE;
        sockets
            .poll
            .borrow()
            .registry()
            .register(&mut source, Token(token), interest)?;
        Ok(Socket {
            source,
            token,
            scheduler: scheduler.clone(),
        })
    }

    /// Tries until it need not wait. Events come once for each change, so that trying comes first.
    fn wait<R>(
        &mut self,
        task: &Task<'_>,
        mut attempt: impl FnMut(&mut S) -> io::Result<R>,
    ) -> io::Result<R> {
        loop {
            match attempt(&mut self.source) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let _waits = Waits::new(&task.scheduler.sockets, self.token, task.id);
                    task.park();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}

impl<S: Source> Drop for Socket<S> {
    fn drop(&mut self) {
        let sockets = &self.scheduler.sockets;
        // The system forgets the socket when it is closed, whatever this says.
        let _ = sockets
            .poll
            .borrow()
            .registry()
            .deregister(&mut self.source);
        sockets.free.borrow_mut().push(self.token);
    }
}

/// A wait for a socket, which may end by an unwind, too.
struct Waits<'a> {
    sockets: &'a Sockets,
    token: usize,
}

impl<'a> Waits<'a> {
    fn new(sockets: &'a Sockets, token: usize, task: TaskId) -> Waits<'a> {
        sockets.waiting.borrow_mut()[token] = Some(task);
        sockets.waits.set(sockets.waits.get() + 1);
        Waits { sockets, token }
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.sockets.waiting.borrow_mut()[self.token] = None;
        self.sockets.waits.set(self.sockets.waits.get() - 1);
    }
}

pub(crate) struct TcpListener(Socket<net::TcpListener>);

impl TcpListener {
    pub(crate) fn bind(task: &Task<'_>, address: SocketAddr) -> io::Result<TcpListener> {
        let listener = net::TcpListener::bind(address)?;
        Socket::new(listener, task.scheduler).map(TcpListener)
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.0.source.local_addr()
    }

    pub(crate) fn accept(&mut self, task: &Task<'_>) -> io::Result<TcpStream> {
        let (stream, _) = self.0.wait(task, |listener| listener.accept())?;
        Socket::new(stream, task.scheduler).map(TcpStream)
    }
}

pub(crate) struct TcpStream(Socket<net::TcpStream>);

impl TcpStream {
    pub(crate) fn connect(task: &Task<'_>, address: SocketAddr) -> io::Result<TcpStream> {
        let mut socket = Socket::new(net::TcpStream::connect(address)?, task.scheduler)?;
        socket.wait(task, |stream| match stream.take_error()? {
            Some(error) => Err(error),
            None => stream.peer_addr().map_err(|error| match error.kind() {
                ErrorKind::NotConnected => ErrorKind::WouldBlock.into(),
                _ => error,
            }),
        })?;
        Ok(TcpStream(socket))
    }

    /// The stream for the code of a task: any that works on [`Read`] and [`Write`].
    pub(crate) fn with<'a>(&'a mut self, task: &'a Task<'a>) -> Blocking<'a> {
        Blocking { stream: self, task }
    }
}

/// A stream that makes its task wait, where another one would make the thread wait.
pub(crate) struct Blocking<'a> {
    stream: &'a mut TcpStream,
    task: &'a Task<'a>,
}

impl Read for Blocking<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream.0.wait(self.task, |stream| stream.read(buf))
    }
}

impl Write for Blocking<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.stream.0.wait(self.task, |stream| stream.write(buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
