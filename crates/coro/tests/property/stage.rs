//! Between the model and the coroutines: the model writes down which coroutine does what next, and all
//! of them read from that.

use crate::life::Life;
use crate::model::{Model, Place};
use crate::program::{ACTS, EVENTS, Step};
use crate::values;
use coro::Status;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

/// What a frame is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// The closure of a coroutine, or the program.
    Base,
    /// Holds a value of that kind.
    Hold(usize),
    Catch,
    Swallow,
    Scope,
    ResumingDestructor,
    OnStack,
}

/// What a resume is expected to bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Yielded(u32),
    Complete(u32),
    Panic(u32),
    Refused,
}

/// An instruction. Numbers are tags of values, if nothing else is said.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Do {
    /// With its number, its recipe, and the tag of what it captures.
    Create(usize, usize, u32),
    CreateScoped(usize, usize, u32),
    Resume {
        place: Place,
        input: u32,
        /// Whether a panic is caught at once.
        guard: bool,
        before: Status,
        outcome: Outcome,
    },
    Suspend {
        value: u32,
        keep: bool,
    },
    Delegate(Place, u32),
    Enter(Call, u32),
    Leave,
    Finish(u32),
    Panic {
        value: u32,
        loud: bool,
    },
    Caught(u32),
    Drop(Place),
    Forget(Place),
    SetAside(Place),
    Swap(Place, usize),
    /// Swaps two of one type in their places; the other one is later in the list.
    Exchange(Place, usize),
    Rehouse(Place, u32),
    Give(Place),
    Take,
    /// The new coroutine on its stack; `None` if it must be refused.
    Recycle(Place, Option<(usize, u32)>),
    /// Suspends where that is refused: with the own handle, or with that of the coroutine around this one.
    Elsewhere {
        value: u32,
        outer: bool,
    },
}

/// Everything about the program that is running.
struct Stage {
    /// Which coroutine does what.
    queue: VecDeque<(usize, Do)>,
    model: Model,
    steps: Vec<Step>,
    /// The next step.
    at: usize,
    verbose: bool,
}

thread_local! {
    static STAGE: RefCell<Option<Stage>> = const { RefCell::new(None) };
    /// The tag of the last input that was sent, and of the last return value.
    pub(crate) static INPUT: Cell<u32> = const { Cell::new(0) };
    pub(crate) static RETURNED: Cell<u32> = const { Cell::new(0) };
    /// Coroutines that are not in use, and the one that is being handed over.
    pub(crate) static ASIDE: RefCell<Vec<Box<dyn Life>>> = const { RefCell::new(Vec::new()) };
    pub(crate) static PARCEL: RefCell<Option<Box<dyn Life>>> = const { RefCell::new(None) };
    /// How often the panic hook was called, and what it heard last.
    pub(crate) static HOOK: Cell<u32> = const { Cell::new(0) };
    pub(crate) static HEARD: RefCell<String> = const { RefCell::new(String::new()) };
    /// Stacks of our own that are in use.
    pub(crate) static STACKS: Cell<i32> = const { Cell::new(0) };
}

/// How often each kind of act was done, and how often each event has happened.
pub(crate) type Counts = [u64; ACTS.len() + EVENTS.len()];

/// Aborts: something is not as the model says. Nothing is unwound, because nothing can be relied on.
pub(crate) fn fail(message: &str) -> ! {
    let heard = HEARD.with_borrow(|heard| heard.clone());
    println!("\nfailed: {message}; the panic hook heard last: {heard:?}");
    std::process::abort()
}

/// What `who` has to do next.
pub(crate) fn next(who: usize) -> Do {
    STAGE.with_borrow_mut(|stage| {
        let stage = stage.as_mut().expect("a program runs");
        loop {
            match stage.queue.pop_front() {
                Some((known, todo)) if known == who => return todo,
                Some((known, todo)) => {
                    fail(&format!("coroutine {who} runs, not {known}, {todo:?}"))
                }
                None if who == 0 => stage.advance(),
                None => fail(&format!("coroutine {who} runs, and none should")),
            }
        }
    })
}

impl Stage {
    /// Compares what is with what should be, and takes the next step that is possible.
    fn advance(&mut self) {
        if values::alive() != self.model.alive {
            let (real, model) = (values::alive(), self.model.alive);
            fail(&format!(
                "step {}: alive are {real:?}, not {model:?}",
                self.at
            ));
        }
        let (real, model) = (STACKS.get(), self.model.stacks);
        if real != model {
            fail(&format!(
                "step {}: {real} stacks in use, not {model}",
                self.at
            ));
        }
        let (real, model) = (HOOK.get(), self.model.hook);
        if real != model {
            fail(&format!(
                "step {}: the hook was called {real} times, not {model}",
                self.at
            ));
        }
        match self.steps.get(self.at) {
            Some(step) => {
                self.at += 1;
                let done = self.model.step(step, &mut self.queue);
                if self.verbose {
                    println!("{step:?}{}", if done { "" } else { ": not possible" });
                    self.queue
                        .iter()
                        .for_each(|(who, todo)| println!("    {who}: {todo:?}"));
                }
            }
            None => self.model.finish(&mut self.queue),
        }
    }
}

/// Runs a program; fails in the middle of it, if at all.
pub(crate) fn perform(steps: Vec<Step>, verbose: bool, counts: &mut Counts) {
    values::forget_all();
    HOOK.set(0);
    STACKS.set(0);
    STAGE.set(Some(Stage {
        queue: VecDeque::new(),
        model: Model::new(),
        steps,
        at: 0,
        verbose,
    }));
    crate::interpret::program();
    drop(ASIDE.take());
    let stage = STAGE.take().expect("a program ran");
    if values::alive() != stage.model.lost {
        let (real, model) = (values::alive(), stage.model.lost);
        fail(&format!("at the end: alive are {real:?}, not {model:?}"));
    }
    if STACKS.get() != stage.model.lost_stacks {
        fail("at the end: a stack was not given back");
    }
    for (count, more) in counts.iter_mut().zip(stage.model.counts) {
        *count += more;
    }
}
