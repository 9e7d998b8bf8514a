//! Every order of the steps, less those that differ only in the order of steps that do not depend on each other:
//! source sets and sleep sets (Abdulla, Aronis, Jonsson and Sagonas, "Optimal Dynamic Partial Order Reduction",
//! POPL 2014). A state is reached again by making the same steps again.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

use super::machine::{Actor, Machine, Step};
use super::{Clock, Kind, World, heap, with};

/// Threads, and what must hold when they have ended.
pub struct Case {
    pub threads: Vec<Box<dyn FnOnce()>>,
    pub finally: Box<dyn FnOnce()>,
}

/// What a search has found.
#[derive(Debug, Default)]
pub struct Found {
    /// How many orders were followed to their end.
    pub executions: usize,
    /// How many were given up because others stand for them.
    pub redundant: usize,
    /// The first thing that went wrong.
    pub violation: Option<String>,
}

/// A state on the way of the present execution.
struct Node {
    /// All steps that can be made from here.
    enabled: Vec<Step>,
    /// The one that is made now, those that were, and those that have to be.
    taken: Step,
    done: Vec<Step>,
    todo: Vec<Step>,
    /// Steps that need not be made from here: an order that begins with them was seen already.
    sleep: Vec<Step>,
    /// What happened before the step that is made now, itself included.
    clock: Clock,
}

/// How an execution ended.
enum End {
    Complete,
    Redundant,
    Violation(String),
}

/// Follows the orders of a case, made anew each time, until all are known or one goes wrong.
pub fn explore(case: impl Fn() -> Case) -> Found {
    let mut path: Vec<Node> = Vec::new();
    let mut found = Found::default();
    loop {
        // Before the case, whose preparations are in its memory.
        with(|world| *world = World::default());
        match execute(case(), &mut path) {
            End::Complete => found.executions += 1,
            End::Redundant => found.redundant += 1,
            End::Violation(text) => {
                found.violation = Some(format!("{text}, after {} steps", path.len()));
                return found;
            }
        }
        // To the last state from which another step has to be made.
        loop {
            let Some(node) = path.last_mut() else {
                return found;
            };
            node.done.push(node.taken);
            let Node {
                done, sleep, todo, ..
            } = node;
            todo.retain(|step| !done.contains(step) && !sleep.contains(step));
            match todo.pop() {
                Some(next) => {
                    node.taken = next;
                    break;
                }
                None => drop(path.pop()),
            }
        }
    }
}

/// Makes the steps of `path`, and then others to the end, which it adds.
fn execute(case: Case, path: &mut Vec<Node>) -> End {
    let mut machine = Machine::new(case.threads);
    let mut end = match run(&mut machine, path) {
        Ok(end) => end,
        Err(text) => End::Violation(text),
    };
    if let End::Complete = end {
        let looked = panic::catch_unwind(AssertUnwindSafe(case.finally));
        if let Err(payload) = looked {
            end = End::Violation(sentence(&*payload));
        }
    }
    with(|world| world.over = true);
    drop(machine);
    // SAFETY: the threads and what they share are gone.
    unsafe { heap::clear() };
    end
}

fn run(machine: &mut Machine, path: &mut Vec<Node>) -> Result<End, String> {
    machine.begin()?;
    let known = path.len();
    let mut sleep: Vec<Step> = Vec::new();
    for depth in 0.. {
        if depth >= known {
            note_races(machine, path);
        }
        if depth == path.len() {
            let enabled = machine.steps();
            if enabled.is_empty() {
                return match machine.waiting() {
                    0 => Ok(End::Complete),
                    stuck => Err(format!("{stuck} threads wait for ever")),
                };
            }
            let awake = enabled.iter().find(|step| !sleep.contains(step));
            let Some(taken) = awake.copied() else {
                return Ok(End::Redundant);
            };
            path.push(Node {
                enabled,
                taken,
                done: Vec::new(),
                todo: Vec::new(),
                sleep: sleep.clone(),
                clock: Clock::default(),
            });
        }
        let (actor, op) = path[depth].taken;
        let mut clock = machine.clock(actor);
        for before in &path[..depth] {
            if op.depends_on(before.taken.1) {
                clock.join(&before.clock);
            }
        }
        clock.set(actor.number(), depth);
        machine.make(path[depth].taken, &clock)?;
        let node = &mut path[depth];
        node.clock = clock;
        let asleep = node.sleep.iter().chain(&node.done);
        sleep = asleep
            .filter(|(_, other)| !op.depends_on(*other))
            .copied()
            .collect();
    }
    unreachable!("an execution ends")
}

/// For each actor's next step: the steps that could as well come after it are to be tried the other way round.
fn note_races(machine: &Machine, path: &mut [Node]) {
    for (actor, op) in machine.next_steps() {
        // What happened before it, as far as the steps that were looked at tell.
        let mut before = machine.clock(actor);
        for depth in (0..path.len()).rev() {
            let (other, its) = path[depth].taken;
            // A lock is not taken before it is released: what can be exchanged is who takes it first.
            let passes_on = its.kind == Kind::Unlock && op.kind == Kind::Lock;
            if other == actor || !op.depends_on(its) || passes_on {
                continue;
            }
            if !before.includes(other.number(), depth) {
                try_without(path, depth, (actor, op), &machine.clock(actor));
            }
            before.join(&path[depth].clock);
        }
    }
}

/// Sees to it that an order is followed in which `next` comes before the step at `depth`: there, one of the actors
/// with which such an order can begin has to make a step. `clock` is what happened before `next`.
fn try_without(path: &mut [Node], depth: usize, next: Step, clock: &Clock) {
    let left_out = path[depth].taken.0.number();
    // What can happen without the step that is left out.
    let others: Vec<usize> = (depth + 1..path.len())
        .filter(|n| !path[*n].clock.includes(left_out, depth))
        .collect();
    let depends = |clock: &Clock, n: &usize| clock.includes(path[*n].taken.0.number(), *n);
    let mut first: Vec<Actor> = Vec::new();
    for (place, n) in others.iter().enumerate() {
        if !others[..place]
            .iter()
            .any(|other| depends(&path[*n].clock, other))
        {
            first.push(path[*n].taken.0);
        }
    }
    let free = |n: &usize| !depends(clock, n) && !next.1.depends_on(path[*n].taken.1);
    if others.iter().all(free) {
        first.push(next.0);
    }
    let node = &mut path[depth];
    let known = [node.taken].into_iter().chain(node.done.iter().copied());
    let known = known
        .chain(node.todo.iter().copied())
        .chain(node.sleep.iter().copied());
    if known.into_iter().any(|(actor, _)| first.contains(&actor)) {
        return;
    }
    let mut steps = node
        .enabled
        .iter()
        .filter(|(actor, _)| first.contains(actor));
    match steps.next() {
        Some(step) => node.todo.push(*step),
        // It is not ready there: any may be what it waits for.
        None => node.todo = node.enabled.clone(),
    }
}

/// What a panic says.
pub fn sentence(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic".to_owned())
}
