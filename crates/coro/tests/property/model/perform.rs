//! What acts do.

use super::plan::Plan;
use super::{End, Frame, Model, ModelCoroutine, Place, Queue};
use crate::life::RECIPES;
use crate::stage::{Call, Do, Outcome};
use coro::Status;

impl Model {
    /// Writes an act down, and does it.
    pub(super) fn perform(&mut self, plan: Plan, who: usize, queue: &mut Queue) -> End {
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
                while let Some(frame) = self.coroutines[who].frames.pop() {
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
                    let frames = &mut self.coroutines[who].frames;
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
                let same = self.coroutines[one].recipe == self.coroutines[two].recipe;
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
                self.coroutines[who].delegate = Some(id);
                let value = self.tag();
                self.suspend_at_once(id, input, value, queue);
                return End::Suspended(value);
            }
            Plan::Recycle(place, id) => {
                let coroutine = &self.coroutines[id];
                if coroutine.status == Status::Complete {
                    let recipe = coroutine.recipe;
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
    pub(super) fn resume_on_stack(
        &mut self,
        who: usize,
        place: Place,
        id: usize,
        queue: &mut Queue,
    ) -> End {
        let (before, input, value) = (self.coroutines[id].status, self.tag(), self.tag());
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

    /// The resumed coroutine suspends with that value; if it delegates, the last one of that chain.
    pub(super) fn suspend_at_once(&mut self, id: usize, input: u32, value: u32, queue: &mut Queue) {
        let mut innermost = id;
        self.deliver(innermost, input);
        while let Some(inner) = self.coroutines[innermost].delegate {
            self.coroutines[innermost].status = Status::Suspended;
            innermost = inner;
            self.deliver(innermost, input);
        }
        self.coroutines[innermost].status = Status::Suspended;
        queue.push_back((innermost, Do::Suspend { value, keep: false }));
    }

    pub(super) fn enter(&mut self, call: Call, who: usize, queue: &mut Queue) {
        let frame = Frame::new(call, self.tag());
        queue.push_back((who, Do::Enter(call, frame.tag)));
        if let Some(kind) = frame.value() {
            self.alive.add(kind, frame.tag);
        }
        self.coroutines[who].frames.push(frame);
    }

    pub(super) fn leave(&mut self, who: usize, queue: &mut Queue) {
        queue.push_back((who, Do::Leave));
        if let Some(frame) = self.coroutines[who].frames.pop() {
            self.end_frame(frame);
        }
    }

    pub(super) fn create(&mut self, recipe: usize, scoped: bool) -> (usize, u32) {
        let (id, tag) = (self.coroutines.len(), self.tag());
        self.coroutines.push(ModelCoroutine {
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
}
