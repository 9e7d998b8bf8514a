//! The collections that a coroutine can be in.

use crate::stage::fail;
use std::collections::HashMap;

/// Where a coroutine is kept.
pub(crate) enum House<T> {
    Open(T),
    Boxed(Box<T>),
    Vec(Vec<T>),
    Map(HashMap<u32, T>),
    /// Nowhere, while it moves.
    Empty,
}

impl<T> House<T> {
    pub(crate) fn get(&mut self) -> &mut T {
        let found = match self {
            House::Open(it) => Some(it),
            House::Boxed(it) => Some(&mut **it),
            House::Vec(all) => all.last_mut(),
            House::Map(all) => all.get_mut(&7),
            House::Empty => None,
        };
        found.unwrap_or_else(|| fail("a house is empty"))
    }

    pub(crate) fn take(&mut self) -> T {
        let found = match std::mem::replace(self, House::Empty) {
            House::Open(it) => Some(it),
            House::Boxed(it) => Some(*it),
            House::Vec(mut all) => all.pop(),
            House::Map(mut all) => all.remove(&7),
            House::Empty => None,
        };
        found.unwrap_or_else(|| fail("a house is empty"))
    }

    pub(crate) fn change(&mut self, way: u32) {
        let it = self.take();
        *self = match way % 4 {
            0 => House::Open(it),
            1 => House::Boxed(Box::new(it)),
            2 => House::Vec(vec![it]),
            _ => House::Map(HashMap::from([(7, it)])),
        };
    }
}
