//! The model: what a list of tracked coroutines should say.

use super::told::Told;
use crate::expected::{ensure, fail};
use coro::{Status, track};
use std::cell::RefCell;
use std::panic::Location;

type Place = &'static Location<'static>;

/// Where a coroutine stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Created,
    Running,
    Suspended {
        /// On a stack by which it has grown.
        grown: bool,
        place: Place,
    },
    Complete,
}

/// A coroutine.
pub(super) struct One {
    pub(super) id: usize,
    /// Others are not listed.
    pub(super) tracked: bool,
    pub(super) name: Option<String>,
    pub(super) created: Place,
    /// Bytes of its stack.
    pub(super) size: usize,
}

/// The coroutines of a thread.
#[derive(Default)]
pub(super) struct Known {
    /// Oldest first.
    all: RefCell<Vec<(One, State)>>,
}

impl Known {
    /// One that has just been created.
    pub(super) fn add(&self, one: One) {
        self.all.borrow_mut().push((one, State::Created));
    }

    pub(super) fn remove(&self, id: usize) {
        self.all.borrow_mut().retain(|(one, _)| one.id != id);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.borrow().is_empty()
    }

    pub(super) fn state(&self, id: usize) -> State {
        let all = self.all.borrow();
        let (_, state) = all
            .iter()
            .find(|(one, _)| one.id == id)
            .expect("it is known");
        *state
    }

    pub(super) fn set(&self, id: usize, now: State) {
        let mut all = self.all.borrow_mut();
        let (_, state) = all
            .iter_mut()
            .find(|(one, _)| one.id == id)
            .expect("it is known");
        *state = now;
    }

    /// An end begins: what has frames, or a closure that never ran, runs its destructors.
    pub(super) fn ends(&self, id: usize) {
        if self.state(id) != State::Complete {
            self.set(id, State::Running);
        }
    }

    /// Fails unless the list of this thread is the model's.
    pub(super) fn check(&self) {
        let all = self.all.borrow();
        let mut expected = all.iter().filter(|(one, _)| one.tracked);
        let mut last = 0;
        for found in track::list() {
            let Some((one, state)) = expected.next() else {
                fail(&format!("nothing like this is tracked: {found:?}"));
            };
            one.compare(*state, &found);
            ensure!(
                last < found.number(),
                "{found:?} is older than number {last}"
            );
            last = found.number();
        }
        if let Some((one, state)) = expected.next() {
            fail(&format!("number {} is not listed: {state:?}", one.id));
        }
    }

    /// What a dump should tell.
    pub(super) fn told(&self) -> Told {
        let mut told = Told::default();
        for (one, state) in self.all.borrow().iter().filter(|(one, _)| one.tracked) {
            told.named += usize::from(one.name.is_some());
            let state = match state {
                State::Created => "created, and never resumed".to_owned(),
                State::Running => "running, or waiting for another one".to_owned(),
                State::Suspended { place, .. } => format!("suspended at {place}"),
                State::Complete => "complete, and not dropped".to_owned(),
            };
            *told.states.entry(state).or_default() += 1;
        }
        told
    }
}

impl One {
    fn compare(&self, state: State, found: &track::Tracked) {
        let (status, place) = match state {
            State::Created => (Status::Created, None),
            State::Running => (Status::Running, None),
            State::Suspended { place, .. } => (Status::Suspended, Some(place)),
            State::Complete => (Status::Complete, None),
        };
        let same = found.name() == self.name.as_deref()
            && found.status() == status
            && found.created_at() == self.created
            && found.suspended_at() == place
            && found.suspended_for().is_some() == place.is_some()
            && found.waits_for().is_none()
            && found.stack_size() == self.size;
        ensure!(same, "{found:?} is listed, not {state:?}, {:?}", self.name);
        let (bytes, most) = (found.bytes_in_use(), found.high_water_mark());
        let on_its_own = matches!(state, State::Suspended { grown: false, .. });
        ensure!(bytes.is_some() == on_its_own, "{bytes:?} in use: {state:?}");
        let fits = bytes.is_none_or(|bytes| (1..=most).contains(&bytes)) && most <= self.size;
        ensure!(
            fits,
            "{bytes:?} of {} bytes in use, at most {most}",
            self.size
        );
    }
}
