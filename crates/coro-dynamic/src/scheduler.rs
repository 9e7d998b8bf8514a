use crate::{CoroutineState, DynamicCoroutine, DynamicHandle, Refusal, RunStack, Status};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};

/// Runs dynamic coroutines in turn, one step each, until all are done.
///
/// ```
/// use coro_dynamic::Scheduler;
/// use std::{cell::RefCell, rc::Rc};
///
/// let log = Rc::new(RefCell::new(String::new()));
/// let mut scheduler = Scheduler::new();
/// for name in ["a", "b"] {
///     let log = Rc::clone(&log);
///     // SAFETY: no addresses of locals leave the task, or come into it.
///     unsafe {
///         scheduler.spawn(move |task| {
///             for n in 0..3 {
///                 log.borrow_mut().push_str(&format!("{name}{n} "));
///                 task.yield_now();
///             }
///         })
///     };
/// }
/// scheduler.run()?;
/// assert_eq!(*log.borrow(), "a0 b0 a1 b1 a2 b2 ");
/// # Ok::<(), coro_dynamic::RunError>(())
/// ```
///
/// Tasks spawn others through their [`Task`]. The queue is on the heap: a task
/// costs its frames, and a few words.
#[derive(Default)]
pub struct Scheduler {
    queue: Rc<Queue>,
}

/// Which task of a scheduler: they are numbered in the order of spawning.
///
/// ```
/// let mut scheduler = coro_dynamic::Scheduler::new();
/// // SAFETY: no addresses of locals leave the tasks, or come into them.
/// let ids = [0, 1].map(|_| unsafe { scheduler.spawn(|task| task.yield_now()) });
/// assert!(ids[0] < ids[1]);
/// assert_eq!(ids[1].to_string(), "task 1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(u64);

/// What [`Scheduler::tasks`] tells of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskInfo {
    /// Which one it is.
    pub id: TaskId,
    /// `Created` before its first turn, else `Suspended`.
    pub status: Status,
    /// Bytes of its frames that are on the heap.
    pub saved_bytes: usize,
}

/// The inside of a scheduler's task.
///
/// ```
/// use coro_dynamic::{Scheduler, Task};
///
/// /// Counts down, from one call further down each time.
/// fn count_down(task: &Task<'_>, n: u32) {
///     task.yield_now();
///     if n > 0 {
///         count_down(task, n - 1);
///     }
/// }
///
/// let mut scheduler = Scheduler::new();
/// // SAFETY: no addresses of locals leave the task, or come into it.
/// unsafe { scheduler.spawn(|task| count_down(task, 10)) };
/// scheduler.run()?;
/// # Ok::<(), coro_dynamic::RunError>(())
/// ```
#[derive(Debug)]
pub struct Task<'a> {
    handle: &'a DynamicHandle<(), ()>,
    queue: &'a Weak<Queue>,
    id: TaskId,
}

type Coroutine = DynamicCoroutine<(), (), ()>;

#[derive(Default)]
struct Queue {
    ready: RefCell<VecDeque<(TaskId, Coroutine)>>,
    spawned: Cell<u64>,
    stack: Option<RunStack>,
}

impl Queue {
    /// # Safety
    /// As for [`Scheduler::spawn`].
    unsafe fn spawn<F: FnOnce(&Task<'_>) + 'static>(self: &Rc<Self>, f: F) -> TaskId {
        let id = TaskId(self.spawned.get());
        self.spawned.set(id.0 + 1);
        // The queue holds the task, so the task does not own the queue.
        let queue = Rc::downgrade(self);
        let body = move |handle: &DynamicHandle<(), ()>, ()| {
            f(&Task {
                handle,
                queue: &queue,
                id,
            });
        };
        // SAFETY: the caller promises for `f` what `DynamicCoroutine::new` asks; the body around
        // it keeps no address in its frames that others use.
        let coroutine = unsafe {
            match &self.stack {
                None => DynamicCoroutine::new(body),
                Some(stack) => DynamicCoroutine::on_run_stack(stack, body),
            }
        };
        self.ready.borrow_mut().push_back((id, coroutine));
        id
    }
}

impl Scheduler {
    /// A scheduler without tasks, whose tasks run on the thread's own stack.
    pub fn new() -> Scheduler {
        Scheduler::default()
    }

    /// A scheduler whose tasks run on a shared run stack.
    ///
    /// ```
    /// use coro_dynamic::{RunStack, Scheduler};
    ///
    /// let mut scheduler = Scheduler::on_run_stack(RunStack::new(64 << 10)?);
    /// for _ in 0..100 {
    ///     // SAFETY: no addresses of locals leave the task, or come into it.
    ///     unsafe { scheduler.spawn(|task| task.yield_now()) };
    /// }
    /// // Also from inside of a coroutine with a stack of its own.
    /// let mut driver = coro::Coroutine::new(move |_: &coro::SuspendHandle<(), ()>, ()| {
    ///     scheduler.run().map(|()| scheduler.len())
    /// });
    /// assert!(matches!(driver.resume(()).complete(), Some(Ok(0))));
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    pub fn on_run_stack(stack: RunStack) -> Scheduler {
        Scheduler {
            queue: Rc::new(Queue {
                stack: Some(stack),
                ..Queue::default()
            }),
        }
    }

    /// Adds a task at the end of the queue. It begins to run in [`run`](Scheduler::run).
    ///
    /// # Safety
    /// The promises of [`DynamicCoroutine::new`].
    ///
    /// # Panics
    /// As [`DynamicCoroutine::new`].
    pub unsafe fn spawn<F: FnOnce(&Task<'_>) + 'static>(&mut self, f: F) -> TaskId {
        // SAFETY: the caller promises for `f` what `DynamicCoroutine::new` asks.
        unsafe { self.queue.spawn(f) }
    }

    /// How many tasks have not ended.
    ///
    /// ```
    /// let mut scheduler = coro_dynamic::Scheduler::new();
    /// // SAFETY: no addresses of locals leave the tasks, or come into them.
    /// unsafe {
    ///     scheduler.spawn(|task| task.yield_now());
    ///     scheduler.spawn(|_| ());
    /// }
    /// assert_eq!(scheduler.len(), 2);
    /// scheduler.step()?;
    /// scheduler.step()?;
    /// assert_eq!(scheduler.len(), 1);
    /// # Ok::<(), coro_dynamic::RunError>(())
    /// ```
    pub fn len(&self) -> usize {
        self.queue.ready.borrow().len()
    }

    /// The tasks that wait for their turn, the next one first, and what they take.
    ///
    /// ```
    /// use coro_dynamic::Scheduler;
    ///
    /// let mut scheduler = Scheduler::new();
    /// // SAFETY: the task's locals are numbers, of which no address leaves it.
    /// unsafe { scheduler.spawn(|task| task.yield_now()) };
    /// scheduler.step()?;
    /// let waiting: Vec<_> = scheduler.tasks().collect();
    /// assert!(waiting[0].saved_bytes > 0);
    /// # Ok::<(), coro_dynamic::RunError>(())
    /// ```
    ///
    /// Where in its code a task is suspended is not told: the frames of a copied coroutine are in
    /// memory only while it runs. Saved frames hold addresses of where they stood, and what stands there
    /// now are other frames; an unwinder reads memory by these addresses, and would walk through the
    /// wrong ones. To walk them they would have to be put back, which is to say, resumed. A coroutine
    /// that wants to be found tells where it is before it suspends: `Backtrace::force_capture`.
    pub fn tasks(&self) -> impl Iterator<Item = TaskInfo> + '_ {
        let ready = self.queue.ready.borrow();
        let tasks: Vec<_> = ready
            .iter()
            .map(|(id, coroutine)| TaskInfo {
                id: *id,
                status: coroutine.status(),
                saved_bytes: coroutine.saved_bytes(),
            })
            .collect();
        tasks.into_iter()
    }

    /// Whether all tasks have ended.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Runs all tasks in turn until they have ended, those too that are
    /// spawned meanwhile.
    ///
    /// ```
    /// use coro_dynamic::{RunError, Scheduler};
    ///
    /// let mut scheduler = Scheduler::new();
    /// // SAFETY: no addresses of locals leave the tasks, or come into them.
    /// unsafe {
    ///     scheduler.spawn(|_| std::panic::resume_unwind(Box::new("it failed")));
    ///     scheduler.spawn(|task| task.yield_now());
    /// }
    /// match scheduler.run() {
    ///     Err(error @ RunError::Panicked(..)) => assert_eq!(error.to_string(), "task 0 panicked: it failed"),
    ///     other => unreachable!("{other:?}"),
    /// }
    /// // The other one goes on.
    /// scheduler.run()?;
    /// assert!(scheduler.is_empty());
    /// # Ok::<(), RunError>(())
    /// ```
    ///
    /// # Errors
    /// At the first task that panics, or that cannot be resumed here. All
    /// others are kept as they are: `run` again goes on with them.
    pub fn run(&mut self) -> Result<(), RunError> {
        while self.step()? {}
        Ok(())
    }

    /// Runs one task for one step; whether there was one.
    ///
    /// ```
    /// let mut scheduler = coro_dynamic::Scheduler::new();
    /// // SAFETY: no addresses of locals leave the task, or come into it.
    /// unsafe { scheduler.spawn(|task| task.yield_now()) };
    /// let mut steps = 0;
    /// while scheduler.step()? {
    ///     steps += 1;
    /// }
    /// assert_eq!(steps, 2);
    /// # Ok::<(), coro_dynamic::RunError>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Scheduler::run).
    pub fn step(&mut self) -> Result<bool, RunError> {
        let next = self.queue.ready.borrow_mut().pop_front();
        let Some((id, mut coroutine)) = next else {
            return Ok(false);
        };
        match catch_unwind(AssertUnwindSafe(|| coroutine.try_resume(()))) {
            Ok(Ok(CoroutineState::Yielded(()))) => {
                self.queue.ready.borrow_mut().push_back((id, coroutine));
                Ok(true)
            }
            Ok(Ok(CoroutineState::Complete(()))) => Ok(true),
            Ok(Err(error)) => {
                self.queue.ready.borrow_mut().push_front((id, coroutine));
                Err(RunError::Refused(id, error.refusal()))
            }
            Err(payload) => Err(RunError::Panicked(id, payload)),
        }
    }
}

impl Drop for Scheduler {
    /// Unwinds the suspended tasks, oldest first, and those that they spawn meanwhile.
    fn drop(&mut self) {
        loop {
            let next = self.queue.ready.borrow_mut().pop_front();
            match next {
                Some(task) => drop(task),
                None => break,
            }
        }
    }
}

impl Task<'_> {
    /// Lets the other tasks run, and returns when it is this one's turn again.
    ///
    /// # Panics
    /// As [`DynamicHandle::suspend`].
    #[inline]
    pub fn yield_now(&self) {
        self.handle.suspend(());
    }

    /// Adds a task to the same scheduler, at the end of the queue.
    ///
    /// ```
    /// use std::{cell::RefCell, rc::Rc};
    ///
    /// let log = Rc::new(RefCell::new(Vec::new()));
    /// let mut scheduler = coro_dynamic::Scheduler::new();
    /// let told = log.clone();
    /// let parent = move |task: &coro_dynamic::Task<'_>| {
    ///     let child = told.clone();
    ///     // SAFETY: what the child shares is on the heap.
    ///     unsafe { task.spawn(move |task| child.borrow_mut().push(task.id())) };
    ///     task.yield_now();
    ///     told.borrow_mut().push(task.id());
    /// };
    /// // SAFETY: no addresses of locals leave the task, or come into it.
    /// let id = unsafe { scheduler.spawn(parent) };
    /// scheduler.run()?;
    /// assert_eq!(log.borrow().len(), 2);
    /// assert_eq!(log.borrow()[1], id);
    /// # Ok::<(), coro_dynamic::RunError>(())
    /// ```
    ///
    /// # Safety
    /// The promises of [`DynamicCoroutine::new`].
    ///
    /// # Panics
    /// As [`DynamicCoroutine::new`].
    pub unsafe fn spawn<F: FnOnce(&Task<'_>) + 'static>(&self, f: F) -> TaskId {
        let queue = self
            .queue
            .upgrade()
            .expect("a scheduler outlives its tasks");
        // SAFETY: the caller promises for `f` what `DynamicCoroutine::new` asks.
        unsafe { queue.spawn(f) }
    }

    /// Which task this is.
    pub fn id(&self) -> TaskId {
        self.id
    }
}

/// Why a scheduler stopped before all its tasks had ended.
///
/// Exhaustive: a task ends early in these two ways only, and a program must tell a task that is
/// gone from one that is kept.
///
/// ```
/// use coro_dynamic::{Refusal, RunError, Scheduler};
///
/// let mut scheduler = Scheduler::new();
/// // SAFETY: no addresses of locals leave the task, or come into it.
/// let id = unsafe { scheduler.spawn(|task| task.yield_now()) };
/// scheduler.step()?;
/// // Its frames belong to the thread's own stack.
/// let mut elsewhere = coro::Coroutine::new(move |_: &coro::SuspendHandle<(), ()>, ()| {
///     let error = scheduler.run().expect_err("this is another stack");
///     (error, scheduler)
/// });
/// let (error, mut scheduler) = elsewhere.resume(()).complete().expect("it does not suspend");
/// assert_eq!(error.task(), id);
/// assert!(matches!(error, RunError::Refused(_, Refusal::OtherStack)));
/// scheduler.run()?;
/// # Ok::<(), RunError>(())
/// ```
pub enum RunError {
    /// A task panicked, with this payload. It is gone; the others are kept.
    Panicked(TaskId, Box<dyn Any + Send>),
    /// A task could not be resumed where the scheduler runs. It is kept.
    Refused(TaskId, Refusal),
}

impl RunError {
    /// The task that it is about.
    pub fn task(&self) -> TaskId {
        match self {
            RunError::Panicked(id, _) | RunError::Refused(id, _) => *id,
        }
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.0)
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Panicked(id, payload) => {
                let text = payload.downcast_ref::<&str>().copied();
                let text = text.or(payload.downcast_ref::<String>().map(String::as_str));
                write!(f, "{id} panicked: {}", text.unwrap_or("(no message)"))
            }
            RunError::Refused(id, refusal) => write!(f, "{id}: {refusal}"),
        }
    }
}

impl fmt::Debug for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunError({self})")
    }
}

impl Error for RunError {}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler")
            .field("tasks", &self.len())
            .finish_non_exhaustive()
    }
}
