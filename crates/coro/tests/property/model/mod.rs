//! What should happen: coroutines as plain data.
//!
//! The model knows nothing of stacks or switches. It keeps, for each coroutine, its state and its calls, and for each call what
//! that owns; a panic or a drop is a loop over these.

mod ends;
mod perform;
mod plan;
mod walk;

use crate::program::{ACTS, EVENTS};
use crate::stage::{Call, Counts, Do};
use crate::values::Tally;
use coro::Status;
use std::collections::VecDeque;

/// The kinds of values that a call can hold: not those that take too much of a stack in a debug build.
const HELD: usize = 9;
/// The kind of a whole page.
const PAGE: usize = 7;
/// The kind of what a scope's coroutines borrow.
const LENT: usize = 5;
const MOST_CALLS: usize = 5;
const MOST_DEPTH: usize = 4;
const MOST_OWNED: usize = 6;

/// Where a coroutine's own coroutine is: how many frames up, in which list, and where there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) up: usize,
    pub(crate) scoped: bool,
    pub(crate) index: usize,
}

/// A coroutine; or the program itself, which is number 0.
struct ModelCoroutine {
    recipe: usize,
    status: Status,
    captured: u32,
    /// Empty when it is complete.
    frames: Vec<Frame>,
    /// The next input is kept.
    keeps: bool,
    /// The coroutine that it delegates to.
    delegate: Option<usize>,
    /// Is unwound by its scope.
    scoped: bool,
}

/// A call, and what it owns.
struct Frame {
    call: Call,
    tag: u32,
    plain: Vec<usize>,
    scoped: Vec<usize>,
    /// Of the scope, and leaked.
    leaked: Vec<usize>,
    /// Inputs that are kept: kinds and tags.
    kept: Vec<(usize, u32)>,
}

impl Frame {
    fn new(call: Call, tag: u32) -> Frame {
        Frame {
            call,
            tag,
            plain: Vec::new(),
            scoped: Vec::new(),
            leaked: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// What it holds by itself.
    fn value(&self) -> Option<usize> {
        match self.call {
            Call::Hold(kind) => Some(kind),
            Call::Scope => Some(LENT),
            _ => None,
        }
    }
}

type Queue = VecDeque<(usize, Do)>;

/// How a coroutine ends an act.
#[derive(Clone, Copy)]
enum End {
    /// Still running.
    Stays,
    /// Suspended by the coroutine that it delegates to.
    Suspended(u32),
    Complete(u32),
    Panic(u32),
}

pub(crate) struct Model {
    coroutines: Vec<ModelCoroutine>,
    /// Values that live.
    pub(crate) alive: Tally,
    /// Those that are never dropped.
    pub(crate) lost: Tally,
    /// Counted stacks in use.
    pub(crate) stacks: i32,
    pub(crate) lost_stacks: i32,
    /// Calls of the panic hook.
    pub(crate) hook: u32,
    aside: Vec<usize>,
    pub(crate) counts: Counts,
    last_tag: u32,
    /// A panic is ending calls.
    panics: bool,
    /// The bits that the present step has to choose with.
    bits: u32,
}

impl Model {
    pub(crate) fn new() -> Model {
        let program = ModelCoroutine {
            recipe: usize::MAX,
            status: Status::Running,
            captured: 0,
            frames: vec![Frame::new(Call::Base, 0)],
            keeps: false,
            delegate: None,
            scoped: false,
        };
        Model {
            coroutines: vec![program],
            alive: Tally::NONE,
            lost: Tally::NONE,
            stacks: 0,
            lost_stacks: 0,
            hook: 0,
            aside: Vec::new(),
            counts: [0; ACTS.len() + EVENTS.len()],
            panics: false,
            last_tag: 0,
            bits: 0,
        }
    }

    fn tag(&mut self) -> u32 {
        self.last_tag = self.last_tag.wrapping_add(0x0131_0B4D);
        self.last_tag
    }

    /// A number below `end`, from the bits of the step.
    fn choose(&mut self, end: usize) -> usize {
        let chosen = self.bits as usize % end.max(1);
        self.bits = (self.bits / end.max(1) as u32).rotate_left(7) ^ 0x5BD1;
        chosen
    }

    fn top(&mut self, who: usize) -> &mut Frame {
        let frames = &mut self.coroutines[who].frames;
        frames.last_mut().expect("what acts has a frame")
    }

    /// The coroutines of all, and where they are.
    fn owned(&self, who: usize) -> Vec<(Place, usize)> {
        let mut all = Vec::new();
        for (up, frame) in self.coroutines[who].frames.iter().rev().enumerate() {
            for (scoped, list) in [(false, &frame.plain), (true, &frame.scoped)] {
                let place = |index| Place { up, scoped, index };
                all.extend(list.iter().enumerate().map(|(i, &id)| (place(i), id)));
            }
        }
        all
    }

    fn place(&self, who: usize, whom: usize) -> Place {
        let found = self.owned(who).into_iter().find(|&(_, id)| id == whom);
        found.expect("it is owned there").0
    }

    fn list(&mut self, who: usize, place: Place) -> &mut Vec<usize> {
        let frames = &mut self.coroutines[who].frames;
        let at = frames.len() - 1 - place.up;
        let frame = &mut frames[at];
        if place.scoped {
            &mut frame.scoped
        } else {
            &mut frame.plain
        }
    }

    fn remove(&mut self, who: usize, place: Place) -> usize {
        self.list(who, place).remove(place.index)
    }

    /// Counts one of [`EVENTS`].
    fn event(&mut self, event: usize) {
        self.counts[ACTS.len() + event] += 1;
    }
}
