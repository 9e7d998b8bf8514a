//! One mapping, cut into slots.

use super::shape::StackShape;
use crate::StackError;
use crate::hosted::hardened;
use crate::hosted::mapping_budget::MappingClaims;
use crate::hosted::registry::{self, Region, Registration};
use crate::hosted::sys::memory::{self, Advice, Mapping};
use crate::hosted::valgrind::KnownStack;
use core::ptr::NonNull;

/// Slots of equal shape. Their free list stands beside them, so that it touches
/// none of their memory.
pub(crate) struct Reservation {
    /// Dropped before the mapping.
    _known: Registration,
    /// What valgrind knows of slots that were ever taken. Empty without it.
    watched: Vec<KnownStack>,
    mapping: Mapping,
    claims: MappingClaims,
    shape: StackShape,
    slots: u32,
    /// How many are taken.
    taken: u32,
    /// The first free slot of those that were taken before.
    free: u32,
    /// For each slot that was ever taken: the next free one, and whether it
    /// lacks its guard. It has room for all of them from the beginning.
    links: Vec<u32>,
    /// How many slots from the first on have had their guards made; those above the ones that were
    /// ever taken are ready.
    prepared: u32,
    /// Whether it is in the arena's list of those with free slots.
    pub(crate) listed: bool,
    /// The next one in that list.
    pub(crate) next: Option<u32>,
}

/// How many slots are prepared together at the most.
const MOST_PREPARED: u32 = 512;

/// How many are prepared together at the least.
const LEAST_PREPARED: u32 = 16;

/// The part of all slots that may be prepared and not used: one in so many.
const WASTE: u32 = 16;

/// No slot.
const NONE: u32 = UNGUARDED - 1;
/// The bit of a link that tells that the slot has no guard yet.
const UNGUARDED: u32 = 1 << 31;

impl Reservation {
    pub(crate) fn new(shape: StackShape, slots: u32) -> Result<Reservation, StackError> {
        let bytes = shape.stride * slots as usize;
        let mut links = Vec::new();
        links
            .try_reserve_exact(slots as usize)
            .map_err(|_| StackError::no_heap(bytes))?;
        hardened::check()?;
        let mapping = Mapping::new(bytes, shape.huge).map_err(|os| StackError::map(bytes, os))?;
        let advice = if shape.huge {
            Advice::HugePages
        } else {
            Advice::NoHugePages
        };
        // A wish: the system may not know huge pages.
        // SAFETY: a fresh mapping, whose contents do not change by that.
        let _ = unsafe { memory::advise(mapping.start(), bytes, advice) };
        let low = mapping.start().addr();
        let known = registry::register(Region {
            low,
            high: low + bytes,
            stride: shape.stride,
            guard: shape.guard,
        })?;
        Ok(Reservation {
            _known: known,
            watched: Vec::new(),
            mapping,
            claims: MappingClaims::NONE,
            shape,
            slots,
            taken: 0,
            free: NONE,
            links,
            prepared: 0,
            listed: false,
            next: None,
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        self.mapping.bytes()
    }

    /// How many slots have been used so far.
    pub(crate) fn used(&self) -> usize {
        self.links.len()
    }

    pub(crate) fn protected_guards(&self) -> usize {
        self.claims.guards()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.taken == 0
    }

    pub(crate) fn has_room(&self) -> bool {
        self.taken < self.slots
    }

    /// A free slot, and whether it has its guard: the one that was put back
    /// last, or else the next that was never taken.
    pub(crate) fn take(&mut self) -> Option<(u32, bool)> {
        let (number, guarded) = if self.free != NONE {
            let number = self.free;
            let link = self.links[number as usize];
            self.free = link & !UNGUARDED;
            (number, link & UNGUARDED == 0)
        } else if self.links.len() < self.slots as usize {
            self.links.push(NONE);
            let number = self.links.len() as u32 - 1;
            self.watch(number);
            // Huge pages have no guards.
            (number, self.shape.guard == 0 || number < self.prepared)
        } else {
            return None;
        };
        self.taken += 1;
        Some((number, guarded))
    }

    fn watch(&mut self, number: u32) {
        let start = self.slot(number);
        // SAFETY: above its guard, and at its end, which is inside of the mapping or at the end of it.
        let (limit, end) = unsafe { (start.add(self.shape.guard), start.add(self.shape.stride)) };
        let known = KnownStack::new(limit, end);
        if known.is_known() {
            self.watched.push(known);
        }
    }

    /// How many slots, from this one on, are worth preparing together with it. It was just taken.
    ///
    /// Few while there are few: what is prepared takes a page each, and may never be used.
    pub(crate) fn batch(&self, number: u32) -> u32 {
        let fresh = number as usize + 1 == self.links.len();
        let worth = (number / WASTE).min(MOST_PREPARED);
        if fresh && worth >= LEAST_PREPARED {
            worth.min(self.slots - number)
        } else {
            1
        }
    }

    /// Notes that the slots below this one have their guards, as far as they were never taken.
    pub(crate) fn prepared(&mut self, end: u32) {
        self.prepared = self.prepared.max(end);
    }

    pub(crate) fn put_back(&mut self, number: u32, guarded: bool) {
        let flag = if guarded { 0 } else { UNGUARDED };
        self.links[number as usize] = self.free | flag;
        self.free = number;
        self.taken -= 1;
    }

    /// Notes what the guard of a slot took.
    pub(crate) fn claim(&mut self, claims: MappingClaims) {
        self.claims.join(claims);
    }

    /// The lowest address of a slot, which is that of its guard.
    pub(crate) fn slot(&self, number: u32) -> NonNull<u8> {
        let start = self.mapping.start();
        // SAFETY: a slot of this mapping, which is not at address 0.
        unsafe { NonNull::new_unchecked(start.add(number as usize * self.shape.stride)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOTS: u32 = 300;

    fn reservation() -> Reservation {
        let shape = StackShape::new(1, false, false).unwrap();
        Reservation::new(shape, SLOTS).unwrap()
    }

    #[test]
    fn there_are_no_more_slots_than_that() {
        let mut reservation = reservation();
        for number in 0..SLOTS {
            assert!(reservation.has_room());
            assert_eq!(reservation.take(), Some((number, false)));
        }
        assert!(!reservation.has_room());
        assert_eq!(reservation.take(), None);
        reservation.put_back(7, true);
        assert_eq!(reservation.take(), Some((7, true)));
        assert_eq!(reservation.take(), None);
    }

    #[test]
    fn what_was_prepared_has_its_guard() {
        let mut reservation = reservation();
        reservation.prepared(2);
        reservation.prepared(1);
        assert_eq!(reservation.take(), Some((0, true)));
        assert_eq!(reservation.take(), Some((1, true)));
        assert_eq!(reservation.take(), Some((2, false)));
    }

    #[test]
    fn the_more_slots_were_taken_the_more_are_prepared() {
        let mut reservation = reservation();
        let least = WASTE * LEAST_PREPARED;
        for number in 0..SLOTS {
            reservation.take();
            let expected = if number < least { 1 } else { number / WASTE };
            let left = SLOTS - number;
            assert_eq!(reservation.batch(number), expected.min(left), "{number}");
        }
        // This one was taken before.
        assert_eq!(reservation.batch(least), 1);
    }
}
