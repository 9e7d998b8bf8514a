//! What should happen: coroutines as plain data.
//!
//! The model knows nothing of stacks or switches. It keeps, for each coroutine, its state and its calls, and for each call what
//! that owns; a panic or a drop is a loop over these.

use crate::life::RECIPES;
use crate::program::{ACTS, Act, Step};
use crate::stage::{Call, Counts, Do, Outcome};
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

/// Where somebody's coroutine is: how many frames up, in which list, and where there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) up: usize,
    pub(crate) scoped: bool,
    pub(crate) index: usize,
}

/// A coroutine; or the program itself, which is number 0.
struct Being {
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

/// How somebody ends an act.
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
    beings: Vec<Being>,
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
    /// The bits that the present step has to choose with.
    bits: u32,
}

impl Model {
    pub(crate) fn new() -> Model {
        let program = Being {
            recipe: usize::MAX,
            status: Status::Running,
            captured: 0,
            frames: vec![Frame::new(Call::Base, 0)],
            keeps: false,
            delegate: None,
            scoped: false,
        };
        Model {
            beings: vec![program],
            alive: Tally::NONE,
            lost: Tally::NONE,
            stacks: 0,
            lost_stacks: 0,
            hook: 0,
            aside: Vec::new(),
            counts: [0; ACTS.len()],
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
        let frames = &mut self.beings[who].frames;
        frames.last_mut().expect("whoever acts has a frame")
    }

    /// Everybody's coroutines, and where they are.
    fn owned(&self, who: usize) -> Vec<(Place, usize)> {
        let mut all = Vec::new();
        for (up, frame) in self.beings[who].frames.iter().rev().enumerate() {
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
        let frames = &mut self.beings[who].frames;
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

    /// Writes down what a step means; nothing, if it is not possible.
    pub(crate) fn step(&mut self, step: &Step, queue: &mut Queue) -> bool {
        self.bits = step.walk;
        // From the program down to whoever acts.
        let mut path = vec![0];
        loop {
            let here = path[path.len() - 1];
            if let Some(inner) = self.beings[here].delegate {
                path.push(inner);
                continue;
            }
            let down: Vec<usize> = self.owned(here).into_iter().map(|(_, id)| id).collect();
            let down: Vec<usize> = down
                .into_iter()
                .filter(|&id| self.beings[id].status != Status::Complete)
                .collect();
            // Some acts are for coroutines only.
            let wanted =
                path.len() == 1 && matches!(step.act, Act::Finish | Act::Delegate | Act::Touch);
            if down.is_empty() || path.len() > MOST_DEPTH || (!wanted && self.choose(3) == 0) {
                break;
            }
            let chosen = self.choose(down.len());
            path.push(down[chosen]);
        }
        self.bits = step.which;
        let done = self.act(step.act, &path, queue);
        if done {
            self.counts[step.act as usize] += 1;
        }
        done
    }

    /// Walks down, acts, and walks up again.
    fn act(&mut self, act: Act, path: &[usize], queue: &mut Queue) -> bool {
        let who = path[path.len() - 1];
        let Some(plan) = self.plan(act, path) else {
            return false;
        };
        // Down: every resume, with where its outcome is to be filled in.
        let (mut resumes, mut input) = (Vec::new(), 0);
        for pair in path.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            if self.beings[from].delegate.is_some() {
                // What has arrived there goes on.
                resumes.push(None);
            } else {
                input = self.tag();
                if let (Plan::GiveDown(place), true) = (plan, to == who) {
                    queue.push_back((from, Do::Give(place)));
                    let given = self.remove(from, place);
                    self.aside.push(given);
                }
                resumes.push(Some(queue.len()));
                let place = self.place(from, to);
                let before = self.beings[to].status;
                queue.push_back((
                    from,
                    Do::Resume {
                        place,
                        input,
                        guard: true,
                        before,
                        outcome: Outcome::Refused,
                    },
                ));
            }
            self.deliver(to, input);
        }
        let mut end = self.perform(plan, who, queue);
        // Up.
        for (i, pair) in path.windows(2).enumerate().rev() {
            let (from, to) = (pair[0], pair[1]);
            let outcome = match end {
                End::Stays => {
                    let (value, keep) = (self.tag(), act == Act::Keep && to == who);
                    queue.push_back((to, Do::Suspend { value, keep }));
                    self.beings[to].keeps = keep;
                    Outcome::Yielded(value)
                }
                End::Suspended(value) => Outcome::Yielded(value),
                End::Complete(value) => Outcome::Complete(value),
                End::Panic(value) => Outcome::Panic(value),
            };
            self.beings[to].status = match outcome {
                Outcome::Yielded(_) => Status::Suspended,
                _ => Status::Complete,
            };
            let delegated = self.beings[from].delegate.is_some();
            let mut guard = false;
            end = match outcome {
                Outcome::Yielded(value) if delegated => End::Suspended(value),
                Outcome::Yielded(_) | Outcome::Complete(_) | Outcome::Refused => End::Stays,
                Outcome::Panic(value) => {
                    // The program has nobody above it.
                    let last = from == 0 && !self.catches(0);
                    guard = !delegated && (last || self.choose(3) == 0);
                    if guard { End::Stays } else { End::Panic(value) }
                }
            };
            if !matches!(outcome, Outcome::Yielded(_)) {
                self.beings[from].delegate = None;
            }
            if let Some(at) = resumes[i] {
                let Do::Resume {
                    outcome: known,
                    guard: catches,
                    ..
                } = &mut queue[at].1
                else {
                    unreachable!("a resume was put there");
                };
                (*known, *catches) = (outcome, guard);
            }
            if let End::Panic(value) = end {
                end = self.raise(from, value, queue);
            }
            if let (Plan::GiveUp(_), true, End::Stays) = (plan, to == who, end) {
                queue.push_back((from, Do::Take));
                let given = self.aside.pop().expect("given just now");
                self.top(from).plain.push(given);
            }
        }
        true
    }

    /// An input arrives.
    fn deliver(&mut self, to: usize, input: u32) {
        let kept = std::mem::take(&mut self.beings[to].keeps);
        if let (true, Some(kind)) = (kept, RECIPES[self.beings[to].recipe].input) {
            self.top(to).kept.push((kind, input));
            self.alive.add(kind, input);
        }
        if self.beings[to].status == Status::Created {
            self.beings[to].frames.push(Frame::new(Call::Base, 0));
        }
        self.beings[to].status = Status::Running;
    }

    /// Whether a call of `who` catches panics.
    fn catches(&self, who: usize) -> bool {
        let calls = self.beings[who].frames.iter().map(|frame| frame.call);
        calls
            .into_iter()
            .any(|call| matches!(call, Call::Catch | Call::Swallow))
    }

    /// A panic begins, or arrives, in the innermost call of `who`.
    fn raise(&mut self, who: usize, value: u32, queue: &mut Queue) -> End {
        while let Some(frame) = self.beings[who].frames.pop() {
            let call = frame.call;
            self.end_frame(frame);
            if matches!(call, Call::Catch | Call::Swallow) {
                queue.push_back((who, Do::Caught(value)));
                return End::Stays;
            }
        }
        self.end_closure(who);
        End::Panic(value)
    }

    /// A call is left, by whatever way.
    fn end_frame(&mut self, frame: Frame) {
        if let Some(kind) = frame.value() {
            self.alive.remove(kind, frame.tag);
        }
        for (kind, tag) in &frame.kept {
            self.alive.remove(*kind, *tag);
        }
        for id in frame
            .plain
            .into_iter()
            .chain(frame.scoped)
            .chain(frame.leaked)
        {
            self.end_being(id);
        }
    }

    /// What a closure owned is dropped.
    fn end_closure(&mut self, who: usize) {
        let being = &self.beings[who];
        self.alive
            .remove(RECIPES[being.recipe].captured, being.captured);
    }

    /// A coroutine is dropped.
    fn end_being(&mut self, who: usize) {
        while let Some(frame) = self.beings[who].frames.pop() {
            self.end_frame(frame);
        }
        let being = &self.beings[who];
        if RECIPES[being.recipe].counted_stack && !being.scoped {
            self.stacks -= 1;
        }
        if being.status != Status::Complete {
            self.end_closure(who);
        }
    }

    fn create(&mut self, recipe: usize, scoped: bool) -> (usize, u32) {
        let (id, tag) = (self.beings.len(), self.tag());
        self.beings.push(Being {
            recipe,
            status: Status::Created,
            captured: tag,
            frames: Vec::new(),
            keeps: false,
            delegate: None,
            scoped,
        });
        self.alive.add(RECIPES[recipe].captured, tag);
        if RECIPES[recipe].counted_stack && !scoped {
            self.stacks += 1;
        }
        (id, tag)
    }

    /// Leaves all calls of the program, and so the program.
    pub(crate) fn finish(&mut self, queue: &mut Queue) {
        while let Some(frame) = self.beings[0].frames.pop() {
            queue.push_back((0, Do::Leave));
            self.end_frame(frame);
        }
        // These are dropped by the stage, after a last comparison that expects them.
        for id in std::mem::take(&mut self.aside) {
            self.end_being(id);
        }
    }
}

/// An act, once it is known to be possible, and with whom.
#[derive(Clone, Copy)]
enum Plan {
    Nothing,
    Create(usize),
    CreateScoped(usize),
    Enter(Call),
    Leave,
    Finish,
    Panic(bool),
    Drop(Place),
    Forget(Place),
    SetAside(Place),
    Swap(Place, usize),
    Rehouse(Place),
    GiveUp(Place),
    GiveDown(Place),
    Delegate(Place, usize),
    Recycle(Place, usize),
    Refused(Place),
    Elsewhere(bool),
    OnStack(Option<Place>),
}

impl Model {
    fn plan(&mut self, act: Act, path: &[usize]) -> Option<Plan> {
        let who = path[path.len() - 1];
        let coroutine = who != 0;
        let owned = self.owned(who);
        let calls = self.beings[who].frames.len();
        let room = owned.len() < MOST_OWNED;
        Some(match act {
            Act::Touch | Act::Keep => {
                if !coroutine {
                    return None;
                }
                Plan::Nothing
            }
            Act::Create => Plan::Create(self.recipe(who, false).filter(|_| room)?),
            Act::CreateScoped => {
                let top = self.beings[who].frames.last()?;
                if top.call != Call::Scope || !room {
                    return None;
                }
                Plan::CreateScoped(self.recipe(who, true)?)
            }
            Act::Hold | Act::Catch | Act::Swallow | Act::Scope | Act::Lively => {
                if calls >= MOST_CALLS {
                    return None;
                }
                Plan::Enter(match act {
                    Act::Hold => self.hold(who),
                    Act::Catch => Call::Catch,
                    Act::Swallow => Call::Swallow,
                    Act::Scope => Call::Scope,
                    _ => Call::Lively,
                })
            }
            Act::Leave => (calls > 1).then_some(Plan::Leave)?,
            Act::Finish => coroutine.then_some(Plan::Finish)?,
            Act::Panic | Act::LoudPanic => {
                if !coroutine && !self.catches(0) {
                    return None;
                }
                Plan::Panic(act == Act::LoudPanic)
            }
            Act::Drop => Plan::Drop(self.pick(&owned, |_, _| true)?.0),
            Act::Forget => Plan::Forget(self.pick(&owned, |_, _| true)?.0),
            Act::SetAside => Plan::SetAside(self.pick(&owned, |place, _| !place.scoped)?.0),
            Act::Swap => {
                let (place, _) = self.pick(&owned, |_, _| true)?;
                let len = self.list(who, place).len();
                let later = len - 1 - place.index;
                if later == 0 {
                    return None;
                }
                Plan::Swap(place, place.index + 1 + self.choose(later))
            }
            Act::Rehouse => Plan::Rehouse(self.pick(&owned, |place, _| !place.scoped)?.0),
            Act::GiveUp => {
                // A resumer that delegates is in no place to take anything.
                let above = *path.len().checked_sub(2).map(|at| &path[at])?;
                if self.beings[above].delegate.is_some() {
                    return None;
                }
                Plan::GiveUp(self.pick(&owned, |place, _| !place.scoped)?.0)
            }
            Act::GiveDown => {
                let above = *path.len().checked_sub(2).map(|at| &path[at])?;
                if self.beings[above].delegate.is_some() || !room {
                    return None;
                }
                let theirs = self.owned(above);
                Plan::GiveDown(
                    self.pick(&theirs, |place, id| !place.scoped && id != who)?
                        .0,
                )
            }
            Act::Delegate => {
                let recipe = self.beings[who].recipe;
                if !coroutine || RECIPES[recipe].iterator {
                    return None;
                }
                let fits: Vec<_> = owned
                    .into_iter()
                    .filter(|&(_, id)| {
                        let being = &self.beings[id];
                        being.recipe == recipe && being.status != Status::Complete
                    })
                    .collect();
                let (place, id) = self.pick(&fits, |_, _| true)?;
                Plan::Delegate(place, id)
            }
            Act::Recycle => {
                let (place, id) = self.pick(&owned, |place, _| !place.scoped)?;
                let recipe = &RECIPES[self.beings[id].recipe];
                if recipe.iterator || (recipe.roomy && coroutine) {
                    return None;
                }
                Plan::Recycle(place, id)
            }
            Act::Refused => {
                let complete: Vec<_> = owned
                    .into_iter()
                    .filter(|&(_, id)| self.beings[id].status == Status::Complete)
                    .collect();
                let (place, _) = self.pick(&complete, |_, _| true)?;
                Plan::Refused(place)
            }
            Act::Elsewhere => {
                let outer = self.beings[who].scoped && self.choose(2) == 0;
                // The handle around a coroutine of the program's own scopes is none.
                let above = path.len().checked_sub(2).map(|at| path[at]);
                if !coroutine || (outer && above == Some(0)) {
                    return None;
                }
                Plan::Elsewhere(outer)
            }
            Act::OnStack => {
                let place = self.pick(&owned, |_, _| true).map(|(place, _)| place);
                Plan::OnStack(place.map(|place| Place {
                    up: place.up + 1,
                    ..place
                }))
            }
        })
    }

    /// A call that holds a value; one of a whole page at most, because that takes several pages in a debug build.
    fn hold(&mut self, who: usize) -> Call {
        let call = Call::Hold(self.choose(HELD));
        let frames = &self.beings[who].frames;
        let again = call == Call::Hold(PAGE) && frames.iter().any(|frame| frame.call == call);
        if again { Call::Hold(LENT) } else { call }
    }

    /// What to create; often the same as whoever creates it, so that it can delegate.
    fn recipe(&mut self, who: usize, scoped: bool) -> Option<usize> {
        let own = self.beings[who].recipe;
        let drawn = self.choose(2 * RECIPES.len());
        let recipe = match drawn.checked_sub(RECIPES.len()) {
            Some(_) if who != 0 => own,
            Some(drawn) => drawn,
            None => drawn,
        };
        let known = &RECIPES[recipe];
        let possible =
            !(known.roomy && (who != 0 || self.choose(4) != 0)) && !(scoped && known.iterator);
        possible.then_some(recipe)
    }

    fn pick(
        &mut self,
        owned: &[(Place, usize)],
        fits: impl Fn(Place, usize) -> bool,
    ) -> Option<(Place, usize)> {
        let fitting = owned.iter().filter(|&&(place, id)| fits(place, id));
        let fitting: Vec<_> = fitting.copied().collect();
        let chosen = self.choose(fitting.len());
        fitting.get(chosen).copied()
    }

    /// Writes an act down, and does it.
    fn perform(&mut self, plan: Plan, who: usize, queue: &mut Queue) -> End {
        let mut write = |todo| queue.push_back((who, todo));
        match plan {
            Plan::Nothing => {}
            Plan::Create(recipe) => {
                let (id, tag) = self.create(recipe, false);
                write(Do::Create(id, recipe, tag));
                self.top(who).plain.push(id);
            }
            Plan::CreateScoped(recipe) => {
                let (id, tag) = self.create(recipe, true);
                write(Do::CreateScoped(id, recipe, tag));
                self.top(who).scoped.push(id);
            }
            Plan::Enter(call) => self.enter(call, who, queue),
            Plan::Leave => self.leave(who, queue),
            Plan::Finish => {
                let value = self.tag();
                write(Do::Finish(value));
                while let Some(frame) = self.beings[who].frames.pop() {
                    self.end_frame(frame);
                }
                self.end_closure(who);
                return End::Complete(value);
            }
            Plan::Panic(loud) => {
                let value = self.tag();
                write(Do::Panic { value, loud });
                self.hook += u32::from(loud);
                return self.raise(who, value, queue);
            }
            Plan::Drop(place) => {
                write(Do::Drop(place));
                let id = self.remove(who, place);
                self.end_being(id);
            }
            Plan::Forget(place) => {
                write(Do::Forget(place));
                let id = self.remove(who, place);
                if place.scoped {
                    let frames = &mut self.beings[who].frames;
                    let at = frames.len() - 1 - place.up;
                    frames[at].leaked.push(id);
                } else {
                    self.lose(id);
                }
            }
            Plan::SetAside(place) => {
                write(Do::SetAside(place));
                let id = self.remove(who, place);
                // Nothing can be wrong about it before the end.
                self.aside.insert(0, id);
            }
            Plan::Swap(place, other) => {
                let list = self.list(who, place);
                let (one, two) = (list[place.index], list[other]);
                list.swap(place.index, other);
                let same = self.beings[one].recipe == self.beings[two].recipe;
                write(if same && !place.scoped {
                    Do::Exchange(place, other)
                } else {
                    Do::Swap(place, other)
                });
            }
            Plan::Rehouse(place) => {
                let way = self.bits;
                write(Do::Rehouse(place, way));
            }
            Plan::GiveUp(place) => {
                write(Do::Give(place));
                let id = self.remove(who, place);
                self.aside.push(id);
            }
            Plan::GiveDown(_) => {
                write(Do::Take);
                let id = self.aside.pop().expect("given just now");
                self.top(who).plain.push(id);
            }
            Plan::Delegate(place, id) => {
                let input = self.tag();
                write(Do::Delegate(place, input));
                self.beings[who].delegate = Some(id);
                let value = self.tag();
                self.suspend_at_once(id, input, value, queue);
                return End::Suspended(value);
            }
            Plan::Recycle(place, id) => {
                let being = &self.beings[id];
                if being.status == Status::Complete {
                    let recipe = being.recipe;
                    let (new, tag) = self.create(recipe, false);
                    self.list(who, place)[place.index] = new;
                    self.end_being(id);
                    write(Do::Recycle(place, Some((new, tag))));
                } else {
                    write(Do::Recycle(place, None));
                }
            }
            Plan::Refused(place) => {
                let input = self.tag();
                write(Do::Resume {
                    place,
                    input,
                    guard: false,
                    before: Status::Complete,
                    outcome: Outcome::Refused,
                });
            }
            Plan::Elsewhere(outer) => {
                let value = self.tag();
                if outer {
                    write(Do::Elsewhere { value, outer });
                } else {
                    write(Do::Enter(Call::OnStack, 0));
                    write(Do::Elsewhere { value, outer });
                    write(Do::Leave);
                }
                self.hook += 1;
            }
            Plan::OnStack(place) => {
                self.enter(Call::OnStack, who, queue);
                let inner = match (place, self.choose(4)) {
                    (Some(place), 0) => Plan::Drop(place),
                    (Some(place), 1) => {
                        let id = self.list(who, place)[place.index];
                        return self.resume_on_stack(who, place, id, queue);
                    }
                    (_, 2) if who != 0 || self.catches(0) => Plan::Panic(false),
                    _ => match self
                        .recipe(who, false)
                        .filter(|&recipe| !RECIPES[recipe].roomy)
                    {
                        Some(recipe) => Plan::Create(recipe),
                        None => Plan::Nothing,
                    },
                };
                let end = self.perform(inner, who, queue);
                if !matches!(inner, Plan::Panic(_)) {
                    self.leave(who, queue);
                }
                return end;
            }
        }
        End::Stays
    }

    /// Resumes a coroutine from another stack than its owner's; it suspends at once.
    fn resume_on_stack(&mut self, who: usize, place: Place, id: usize, queue: &mut Queue) -> End {
        let (before, input, value) = (self.beings[id].status, self.tag(), self.tag());
        let complete = before == Status::Complete;
        let outcome = if complete {
            Outcome::Refused
        } else {
            Outcome::Yielded(value)
        };
        queue.push_back((
            who,
            Do::Resume {
                place,
                input,
                guard: false,
                before,
                outcome,
            },
        ));
        if !complete {
            self.suspend_at_once(id, input, value, queue);
        }
        self.leave(who, queue);
        End::Stays
    }

    /// Whoever is resumed suspends with that value; if it delegates, whoever is at the end of that does.
    fn suspend_at_once(&mut self, id: usize, input: u32, value: u32, queue: &mut Queue) {
        let mut innermost = id;
        self.deliver(innermost, input);
        while let Some(inner) = self.beings[innermost].delegate {
            self.beings[innermost].status = Status::Suspended;
            innermost = inner;
            self.deliver(innermost, input);
        }
        self.beings[innermost].status = Status::Suspended;
        queue.push_back((innermost, Do::Suspend { value, keep: false }));
    }

    fn enter(&mut self, call: Call, who: usize, queue: &mut Queue) {
        let frame = Frame::new(call, self.tag());
        queue.push_back((who, Do::Enter(call, frame.tag)));
        if let Some(kind) = frame.value() {
            self.alive.add(kind, frame.tag);
        }
        self.beings[who].frames.push(frame);
    }

    fn leave(&mut self, who: usize, queue: &mut Queue) {
        queue.push_back((who, Do::Leave));
        if let Some(frame) = self.beings[who].frames.pop() {
            self.end_frame(frame);
        }
    }

    /// A coroutine is leaked for ever, with all that it owns.
    fn lose(&mut self, id: usize) {
        let (alive, stacks) = (self.alive, self.stacks);
        self.end_being(id);
        // What ends with it is what was lost; it goes on living.
        self.lost.add_all(&alive);
        self.lost.remove_all(&self.alive);
        self.lost_stacks += stacks - self.stacks;
        (self.alive, self.stacks) = (alive, stacks);
    }
}
