//! A channel with room for a few values.

use crate::scheduler::{Scheduler, Task, TaskId};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

struct State<T> {
    values: VecDeque<T>,
    room: usize,
    senders: usize,
    receiver_alive: bool,
    waiting_senders: VecDeque<TaskId>,
    waiting_receiver: Option<TaskId>,
}

struct Shared<T> {
    state: RefCell<State<T>>,
    scheduler: Rc<Scheduler>,
}

pub(crate) struct Sender<T>(Rc<Shared<T>>);

pub(crate) struct Receiver<T>(Rc<Shared<T>>);

/// A channel between the tasks of a scheduler.
pub(crate) fn channel<T>(task: &Task<'_>, room: usize) -> (Sender<T>, Receiver<T>) {
    let state = State {
        values: VecDeque::with_capacity(room),
        room,
        senders: 1,
        receiver_alive: true,
        waiting_senders: VecDeque::new(),
        waiting_receiver: None,
    };
    let scheduler = task.scheduler.clone();
    let shared = Rc::new(Shared {
        state: RefCell::new(state),
        scheduler,
    });
    (Sender(shared.clone()), Receiver(shared))
}

impl<T> Shared<T> {
    /// Wakes the sender that has waited longest.
    fn wake_sender(&self) {
        if let Some(id) = self.state.borrow_mut().waiting_senders.pop_front() {
            self.scheduler.wake(id);
        }
    }

    fn wake_receiver(&self) {
        if let Some(id) = self.state.borrow_mut().waiting_receiver.take() {
            self.scheduler.wake(id);
        }
    }
}

impl<T> Sender<T> {
    /// Waits until there is room. The value comes back if the receiver is gone.
    pub(crate) fn send(&self, task: &Task<'_>, value: T) -> Result<(), T> {
        loop {
            // Borrowed for a moment only, and never while the task waits.
            let mut state = self.0.state.borrow_mut();
            if !state.receiver_alive {
                return Err(value);
            }
            if state.values.len() < state.room {
                state.values.push_back(value);
                drop(state);
                self.0.wake_receiver();
                return Ok(());
            }
            state.waiting_senders.push_back(task.id);
            drop(state);
            task.park();
        }
    }
}

impl<T> Receiver<T> {
    /// Waits for a value; `None` when there is none and all senders are gone.
    pub(crate) fn receive(&self, task: &Task<'_>) -> Option<T> {
        loop {
            let mut state = self.0.state.borrow_mut();
            if let Some(value) = state.values.pop_front() {
                drop(state);
                // There is room for one more value.
                self.0.wake_sender();
                return Some(value);
            }
            if state.senders == 0 {
                return None;
            }
            state.waiting_receiver = Some(task.id);
            drop(state);
            task.park();
        }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.state.borrow_mut().senders += 1;
        Sender(self.0.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.state.borrow_mut().senders -= 1;
        self.0.wake_receiver();
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = self.0.state.borrow_mut();
        state.receiver_alive = false;
        state
            .waiting_senders
            .drain(..)
            .for_each(|id| self.0.scheduler.wake(id));
    }
}
