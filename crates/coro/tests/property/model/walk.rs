//! From the program down to the coroutine that acts, and up again.

use super::plan::Plan;
use super::{End, Frame, MOST_DEPTH, Model, Queue};
use crate::life::RECIPES;
use crate::program::{Act, Step};
use crate::stage::{Call, Do, Outcome};
use coro::Status;

impl Model {
    /// Writes down what a step means; nothing, if it is not possible.
    pub(crate) fn step(&mut self, step: &Step, queue: &mut Queue) -> bool {
        self.bits = step.walk;
        // From the program down to the coroutine that acts.
        let mut path = vec![0];
        loop {
            let here = path[path.len() - 1];
            if let Some(inner) = self.coroutines[here].delegate {
                path.push(inner);
                continue;
            }
            let down: Vec<usize> = self.owned(here).into_iter().map(|(_, id)| id).collect();
            let down: Vec<usize> = down
                .into_iter()
                .filter(|&id| self.coroutines[id].status != Status::Complete)
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
            if let Some(depth) = path.len().checked_sub(2) {
                self.event(depth.min(2));
            }
        }
        done
    }

    /// Walks down, acts, and walks up again.
    pub(super) fn act(&mut self, act: Act, path: &[usize], queue: &mut Queue) -> bool {
        let who = path[path.len() - 1];
        let Some(plan) = self.plan(act, path) else {
            return false;
        };
        // Down: every resume, with where its outcome is to be filled in.
        let (mut resumes, mut input) = (Vec::new(), 0);
        for pair in path.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            if self.coroutines[from].delegate.is_some() {
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
                let before = self.coroutines[to].status;
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
                    self.coroutines[to].keeps = keep;
                    Outcome::Yielded(value)
                }
                End::Suspended(value) => Outcome::Yielded(value),
                End::Complete(value) => Outcome::Complete(value),
                End::Panic(value) => Outcome::Panic(value),
            };
            self.coroutines[to].status = match outcome {
                Outcome::Yielded(_) => Status::Suspended,
                _ => Status::Complete,
            };
            let delegated = self.coroutines[from].delegate.is_some();
            let mut guard = false;
            end = match outcome {
                Outcome::Yielded(value) if delegated => End::Suspended(value),
                Outcome::Yielded(_) | Outcome::Complete(_) | Outcome::Refused => End::Stays,
                Outcome::Panic(value) => {
                    // The program has no caller above it.
                    let last = from == 0 && !self.catches(0);
                    guard = !delegated && (last || self.choose(3) == 0);
                    self.event(3);
                    if guard { End::Stays } else { End::Panic(value) }
                }
            };
            if !matches!(outcome, Outcome::Yielded(_)) {
                self.coroutines[from].delegate = None;
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
    pub(super) fn deliver(&mut self, to: usize, input: u32) {
        let kept = std::mem::take(&mut self.coroutines[to].keeps);
        if let (true, Some(kind)) = (kept, RECIPES[self.coroutines[to].recipe].input) {
            self.top(to).kept.push((kind, input));
            self.alive.add(kind, input);
        }
        if self.coroutines[to].status == Status::Created {
            self.coroutines[to].frames.push(Frame::new(Call::Base, 0));
        }
        self.coroutines[to].status = Status::Running;
    }

    /// Whether a call of `who` catches panics.
    pub(super) fn catches(&self, who: usize) -> bool {
        let calls = self.coroutines[who].frames.iter().map(|frame| frame.call);
        calls
            .into_iter()
            .any(|call| matches!(call, Call::Catch | Call::Swallow))
    }
}
