//! Values of which each coroutine has its own, and which of them there should be.

use super::Call;
use super::world::{Upon, World, world};
use crate::expected::{Expected, ensure};
use coro::LocalKey;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::rc::Rc;

coro::local! {
    static PLAIN: Value = Value::plain();
    static OF_ANOTHER: Value = Value::of_another();
    static FRAGILE: Value = Value::fragile();
    static SLOW: Value = Value::slow();
}

pub(super) const KEYS: [&LocalKey<Value>; 4] = [&PLAIN, &OF_ANOTHER, &FRAGILE, &SLOW];

/// A coroutine's value, which knows whose it is.
pub(super) struct Value {
    owner: usize,
    /// No other value has it.
    serial: u32,
    /// How often it was asked for; the model counts too.
    asked: Cell<u32>,
}

/// The values of a coroutine, in the order in which they were made.
#[derive(Default)]
pub(super) struct Values {
    all: RefCell<VecDeque<Made>>,
    /// The coroutine gives up its stack: its values go, in that order.
    ending: Cell<bool>,
}

struct Made {
    key: usize,
    serial: u32,
    asked: u32,
}

/// Asks for the value of a key where the caller stands, and calls `f` with it, if there can be one.
pub(super) fn ask(world: &World, place: Option<usize>, key: usize, f: impl FnOnce()) {
    let owner = world.findable(place);
    world.asks.set(place);
    let result = KEYS[key].try_with(|value| {
        let Some(owner) = &owner else {
            return;
        };
        owner.values.meets(key, value);
        f();
        owner.values.meets(key, value);
    });
    ensure!(result.is_ok() == owner.is_some(), "a value: {result:?}");
}

impl Values {
    fn meets(&self, key: usize, value: &Value) {
        let mut all = self.all.borrow_mut();
        let known = all.iter().position(|made| made.key == key);
        let known = known.unwrap_or_else(|| {
            all.push_back(Made {
                key,
                serial: value.serial,
                asked: 0,
            });
            all.len() - 1
        });
        let made = &mut all[known];
        let found = (value.serial, value.asked.replace(made.asked + 1));
        let expected = (made.serial, made.asked);
        ensure!(
            found == expected,
            "value {found:?} of key {key}, not {expected:?}"
        );
        made.asked += 1;
    }

    /// From now on they are dropped.
    pub(super) fn end(&self) {
        self.ending.set(true);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.borrow().is_empty()
    }
}

impl Value {
    /// In an initialiser: one for the coroutine that has asked.
    fn new(owner: Option<usize>) -> Value {
        let owner = owner.expect("outside of coroutines nothing is made");
        let world = world();
        world.alive.set(world.alive.get() + 1);
        Value {
            owner,
            serial: world.crossing.tag(),
            asked: Cell::new(0),
        }
    }

    fn plain() -> Value {
        Value::new(world().asks.get())
    }

    fn of_another() -> Value {
        let world = world();
        let place = world.asks.get();
        ask(&world, place, 0, || ());
        Value::new(place)
    }

    fn fragile() -> Value {
        let world = world();
        if world.bytes.flag() {
            resume_unwind(Box::new(Expected(world.crossing.send())));
        }
        Value::new(world.asks.get())
    }

    /// Suspends the coroutine meanwhile, or asks for the value that it makes. Then that one stays, and this one is dropped.
    fn slow() -> Value {
        let world = world();
        let place = world.asks.get();
        match (world.bytes.below(3), Upon::new(&world, place)) {
            (1, Some(_)) => Call::new(&world, place).suspend(),
            (2, Some(_upon)) => ask(&world, place, 3, || ()),
            _ => {}
        }
        Value::new(place)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        let world = world();
        world.alive.set(world.alive.get() - 1);
        let owner = Rc::clone(&world.coroutines.borrow()[self.owner]);
        let mut all = owner.values.all.borrow_mut();
        if owner.values.ending.get() {
            let first = all.pop_front().map(|made| made.serial);
            ensure!(
                first == Some(self.serial),
                "{first:?} was made first, not {}",
                self.serial
            );
            drop(all);
            // The code that has ended the coroutine runs this, where it stands.
            Call::new(&world, world.ender.get()).look();
        } else {
            let kept = all.iter().any(|made| made.serial == self.serial);
            ensure!(!kept, "a value is dropped before its coroutine");
        }
    }
}
