//! The collections that a coroutine can be in.

use crate::stage::fail;
use std::collections::HashMap;

/// Where a coroutine is kept.
pub(crate) enum Container<T> {
    Open(T),
    Boxed(Box<T>),
    Vec(Vec<T>),
    Map(HashMap<u32, T>),
    /// Nowhere, while it moves.
    Empty,
}

impl<T> Container<T> {
    pub(crate) fn get(&mut self) -> &mut T {
        let found = match self {
            Container::Open(it) => Some(it),
            Container::Boxed(it) => Some(&mut **it),
            Container::Vec(all) => all.last_mut(),
            Container::Map(all) => all.get_mut(&7),
            Container::Empty => None,
        };
        found.unwrap_or_else(|| fail("a container is empty"))
    }

    pub(crate) fn take(&mut self) -> T {
        let found = match std::mem::replace(self, Container::Empty) {
            Container::Open(it) => Some(it),
            Container::Boxed(it) => Some(*it),
            Container::Vec(mut all) => all.pop(),
            Container::Map(mut all) => all.remove(&7),
            Container::Empty => None,
        };
        found.unwrap_or_else(|| fail("a container is empty"))
    }

    pub(crate) fn change(&mut self, way: u32) {
        let it = self.take();
        *self = match way % 4 {
            0 => Container::Open(it),
            1 => Container::Boxed(Box::new(it)),
            2 => Container::Vec(vec![it]),
            _ => Container::Map(HashMap::from([(7, it)])),
        };
    }
}
