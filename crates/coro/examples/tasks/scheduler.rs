//! Tasks of one thread that take turns, and wait for each other and for the time.
//!
//! A task is a coroutine. Whatever it waits for, it does the same: it notes its number where
//! that comes from, and suspends. The code that takes the number out again wakes the task, once.
//! The task may still find that another one was quicker, so every wait is a loop around its
//! condition.

use crate::net::Sockets;
use coro::{Coroutine, SuspendHandle, is_forced_unwind};
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The number of a task.
pub(crate) type TaskId = usize;

/// What a task has left: its value, or its panic.
pub(crate) type Outcome<T> = std::thread::Result<T>;

pub(crate) struct Scheduler {
    /// `None` where a task runs just now, or none is.
    tasks: RefCell<Vec<Option<Coroutine<(), (), ()>>>>,
    free: RefCell<Vec<TaskId>>,
    ready: RefCell<Vec<TaskId>>,
    timers: RefCell<BinaryHeap<Reverse<(Instant, TaskId)>>>,
    pub(crate) sockets: Sockets,
    pub(crate) turns: Cell<u64>,
    pub(crate) most_alive: Cell<usize>,
}

/// A task, as its own code sees it: the right to wait.
pub(crate) struct Task<'a> {
    pub(crate) id: TaskId,
    pub(crate) scheduler: &'a Rc<Scheduler>,
    handle: &'a SuspendHandle<(), ()>,
}

/// The outcome of a task that was spawned, and the tasks that wait for it.
pub(crate) struct JoinHandle<T>(Rc<Join<T>>);

struct Join<T> {
    outcome: Cell<Option<Outcome<T>>>,
    waiting: Cell<Option<TaskId>>,
}

/// Runs a task, and all that it spawns, until it ends. What is left then is unwound.
///
/// # Errors
/// If sockets cannot be waited for, and if all tasks wait for each other.
pub(crate) fn run<T, F>(main: F) -> io::Result<Outcome<T>>
where
    T: 'static,
    F: FnOnce(&Task<'_>) -> T + 'static,
{
    let scheduler = Rc::new(Scheduler {
        tasks: RefCell::default(),
        free: RefCell::default(),
        ready: RefCell::default(),
        timers: RefCell::default(),
        sockets: Sockets::new()?,
        turns: Cell::new(0),
        most_alive: Cell::new(0),
    });
    let main = scheduler.spawn(main);
    let outcome = loop {
        scheduler.take_turns();
        if let Some(outcome) = main.0.outcome.take() {
            break Ok(outcome);
        }
        if let Err(error) = scheduler.wait() {
            break Err(error);
        }
    };
    // Out of the scheduler first: what they do while they unwind, they do to it.
    let left = mem::take(&mut *scheduler.tasks.borrow_mut());
    drop(left);
    outcome
}

impl Scheduler {
    /// A new task, which is ready.
    pub(crate) fn spawn<T, F>(self: &Rc<Self>, f: F) -> JoinHandle<T>
    where
        T: 'static,
        F: FnOnce(&Task<'_>) -> T + 'static,
    {
        let id = self.free.borrow_mut().pop().unwrap_or_else(|| {
            self.tasks.borrow_mut().push(None);
            self.tasks.borrow().len() - 1
        });
        let join = Rc::new(Join {
            outcome: Cell::new(None),
            waiting: Cell::new(None),
        });
        let (scheduler, end) = (self.clone(), join.clone());
        let body = move |handle: &SuspendHandle<(), ()>, ()| {
            let task = Task {
                id,
                scheduler: &scheduler,
                handle,
            };
            let outcome = catch_unwind(AssertUnwindSafe(|| f(&task)));
            match outcome {
                // The scheduler is going away, and this is its end.
                Err(payload) if is_forced_unwind(&*payload) => resume_unwind(payload),
                outcome => end.outcome.set(Some(outcome)),
            }
            if let Some(waiting) = end.waiting.take() {
                scheduler.wake(waiting);
            }
        };
        self.tasks.borrow_mut()[id] = Some(Coroutine::new(body));
        let alive = self.tasks.borrow().len() - self.free.borrow().len();
        self.most_alive.set(self.most_alive.get().max(alive));
        self.wake(id);
        JoinHandle(join)
    }

    /// Gives a task another turn.
    pub(crate) fn wake(&self, id: TaskId) {
        self.ready.borrow_mut().push(id);
    }

    /// A turn for every task that is ready now.
    fn take_turns(&self) {
        let ready = mem::take(&mut *self.ready.borrow_mut());
        ready.into_iter().for_each(|id| self.turn(id));
    }

    /// Waits until a task is ready: looks at the clock and at the sockets.
    fn wait(&self) -> io::Result<()> {
        let now = Instant::now();
        let mut timers = self.timers.borrow_mut();
        while timers.peek().is_some_and(|Reverse((time, _))| *time <= now) {
            if let Some(Reverse((_, id))) = timers.pop() {
                self.wake(id);
            }
        }
        let timeout = match timers.peek() {
            _ if !self.ready.borrow().is_empty() => Some(Duration::ZERO),
            Some(Reverse((time, _))) => Some(time.saturating_duration_since(now)),
            None => None,
        };
        drop(timers);
        if timeout.is_none() && !self.sockets.are_waited_for() {
            return Err(io::Error::other("every task waits for another one"));
        }
        if timeout != Some(Duration::ZERO) || self.sockets.are_waited_for() {
            self.sockets.poll(timeout, |id| self.wake(id))?;
        }
        Ok(())
    }

    fn turn(&self, id: TaskId) {
        // A task that has ended, if it was woken twice.
        let Some(mut task) = self.tasks.borrow_mut()[id].take() else {
            return;
        };
        self.turns.set(self.turns.get() + 1);
        task.resume(());
        if task.is_complete() {
            self.free.borrow_mut().push(id);
        } else {
            self.tasks.borrow_mut()[id] = Some(task);
        }
    }
}

impl Task<'_> {
    /// A new task beside this one.
    pub(crate) fn spawn<T, F>(&self, f: F) -> JoinHandle<T>
    where
        T: 'static,
        F: FnOnce(&Task<'_>) -> T + 'static,
    {
        self.scheduler.spawn(f)
    }

    /// Waits until this task is woken.
    pub(crate) fn park(&self) {
        self.handle.suspend(());
    }

    /// Waits for that long, at least.
    pub(crate) fn sleep(&self, time: Duration) {
        let end = Instant::now() + time;
        self.scheduler
            .timers
            .borrow_mut()
            .push(Reverse((end, self.id)));
        while Instant::now() < end {
            self.park();
        }
    }
}

impl<T> JoinHandle<T> {
    /// Waits until the task has ended.
    pub(crate) fn join(self, task: &Task<'_>) -> Outcome<T> {
        loop {
            if let Some(outcome) = self.0.outcome.take() {
                return outcome;
            }
            self.0.waiting.set(Some(task.id));
            task.park();
        }
    }
}
