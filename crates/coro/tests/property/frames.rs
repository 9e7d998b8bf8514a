//! What the calls of a coroutine own.

use crate::life::Life;
use crate::model::Place;
use crate::stage::fail;
use std::any::Any;

/// The frame of a call: what it owns, and the frame below it.
pub(crate) struct Frame<'up, 'scope> {
    pub(crate) plain: Vec<Box<dyn Life>>,
    pub(crate) scoped: Vec<Box<dyn Life + 'scope>>,
    pub(crate) kept: Vec<Box<dyn Any>>,
    pub(crate) up: Option<&'up mut (dyn Frames + 'up)>,
}

/// Frames, seen from the innermost one.
pub(crate) trait Frames {
    fn life(&mut self, place: Place) -> &mut (dyn Life + '_);
    fn plain(&mut self, up: usize) -> &mut Vec<Box<dyn Life>>;
    /// Drops a scoped one, or leaks it.
    fn end_scoped(&mut self, place: Place, leak: bool);
    fn swap(&mut self, place: Place, other: usize);
}

impl<'up> Frame<'up, '_> {
    fn up(&mut self) -> &mut (dyn Frames + 'up) {
        match &mut self.up {
            Some(up) => &mut **up,
            None => fail("there is no such frame"),
        }
    }
}

impl Frames for Frame<'_, '_> {
    fn life(&mut self, place: Place) -> &mut (dyn Life + '_) {
        match place.up.checked_sub(1) {
            Some(up) => self.up().life(Place { up, ..place }),
            None if place.scoped => &mut *self.scoped[place.index],
            None => &mut *self.plain[place.index],
        }
    }

    fn plain(&mut self, up: usize) -> &mut Vec<Box<dyn Life>> {
        match up.checked_sub(1) {
            Some(up) => self.up().plain(up),
            None => &mut self.plain,
        }
    }

    fn end_scoped(&mut self, place: Place, leak: bool) {
        match place.up.checked_sub(1) {
            Some(up) => self.up().end_scoped(Place { up, ..place }, leak),
            None => {
                let life = self.scoped.remove(place.index);
                if leak {
                    std::mem::forget(life);
                }
            }
        }
    }

    fn swap(&mut self, place: Place, other: usize) {
        match place.up.checked_sub(1) {
            Some(up) => self.up().swap(Place { up, ..place }, other),
            None if place.scoped => self.scoped.swap(place.index, other),
            None => self.plain.swap(place.index, other),
        }
    }
}
