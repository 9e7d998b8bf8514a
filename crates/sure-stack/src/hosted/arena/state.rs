//! What an arena knows: its reservations, and which of its stacks are free.

use super::header::StackHeader;
use super::reservation::Reservation;
use super::shape::StackShape;
use super::statistics::ArenaStatistics;
use crate::StackError;
use crate::hosted::mapping_budget::MappingClaims;
use crate::hosted::sys::lock::ARENAS;
use core::cell::UnsafeCell;
use core::ptr::NonNull;

/// The part of an arena that changes, under the lock of all arenas.
pub(crate) struct LockedState(UnsafeCell<ArenaState>);

// SAFETY: the state is reached under a lock only, and free stacks belong to no thread.
unsafe impl Send for LockedState {}
// SAFETY: a shared reference reaches the state under the lock only.
unsafe impl Sync for LockedState {}

impl LockedState {
    pub(crate) fn new(state: ArenaState) -> LockedState {
        LockedState(UnsafeCell::new(state))
    }

    /// Calls `f`, which takes no lock but that of the registry.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut ArenaState) -> R) -> R {
        // SAFETY: under the lock no other thread has a reference, and `f` takes no second one.
        ARENAS.locked(|| f(unsafe { &mut *self.0.get() }))
    }
}

pub(crate) struct ArenaState {
    /// Gone ones leave a gap, which the next one fills.
    reservations: Vec<Option<Reservation>>,
    /// The first in the list of those with free slots.
    available: Option<u32>,
    /// Free stacks whose memory is kept, threaded through their headers.
    kept: Option<NonNull<StackHeader>>,
    kept_len: usize,
    /// How many stacks are out.
    live: usize,
    /// How many slots the next reservation is to have.
    next_slots: u32,
    /// Whether memory is locked: then reservations stay small, because all of
    /// their pages take memory from the beginning.
    locked_memory: bool,
}

/// A stack on its way out.
pub(crate) enum Taken {
    /// With its memory and its header.
    Kept(NonNull<StackHeader>),
    /// A slot, with its lowest address.
    Slot {
        place: SlotNumber,
        start: NonNull<u8>,
        guarded: bool,
    },
}

/// Where in an arena a slot is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlotNumber {
    reservation: u32,
    number: u32,
}

/// Stacks that are neither out nor free, threaded through their headers.
pub(crate) struct Batch {
    next: Option<NonNull<StackHeader>>,
    count: usize,
}

impl Batch {
    /// How many there are at the most.
    pub(crate) const MOST: usize = 64;
}

impl Iterator for Batch {
    type Item = NonNull<StackHeader>;

    fn next(&mut self) -> Option<NonNull<StackHeader>> {
        self.count = self.count.checked_sub(1)?;
        let header = self.next?;
        // SAFETY: the stacks of a batch are its owner's.
        self.next = unsafe { header.as_ref() }.next;
        Some(header)
    }
}

impl ArenaState {
    pub(crate) fn new(shape: &StackShape) -> ArenaState {
        ArenaState {
            reservations: Vec::new(),
            available: None,
            kept: None,
            kept_len: 0,
            live: 0,
            next_slots: shape.first_slots(),
            locked_memory: false,
        }
    }

    pub(crate) fn take(&mut self, shape: &StackShape) -> Result<Taken, StackError> {
        if let Some(header) = self.pop_kept() {
            self.live += 1;
            return Ok(Taken::Kept(header));
        }
        loop {
            let Some(index) = self.available else {
                self.grow(shape)?;
                continue;
            };
            let reservation = self.reservation(index);
            let taken = reservation.take();
            let start = taken.map(|(number, _)| reservation.slot(number));
            if !reservation.has_room() {
                reservation.listed = false;
                self.available = self.reservation(index).next.take();
            }
            if let (Some((number, guarded)), Some(start)) = (taken, start) {
                self.live += 1;
                let place = SlotNumber {
                    reservation: index,
                    number,
                };
                return Ok(Taken::Slot {
                    place,
                    start,
                    guarded,
                });
            }
        }
    }

    /// Puts a slot among the free ones, for good or because its guard failed.
    pub(crate) fn put_back(&mut self, place: SlotNumber, guarded: bool) {
        let reservation = self.reservation(place.reservation);
        reservation.put_back(place.number, guarded);
        if !reservation.listed {
            self.list(place.reservation);
        }
    }

    /// Takes a slot back that was taken, and could not be given a guard.
    pub(crate) fn refuse(&mut self, place: SlotNumber) {
        self.live -= 1;
        self.put_back(place, false);
    }

    /// Keeps a stack that comes back, with its memory.
    ///
    /// # Safety
    /// The header and the stack below it are the arena's now.
    pub(crate) unsafe fn keep(&mut self, mut header: NonNull<StackHeader>) {
        // SAFETY: the caller gives the header to the arena, so nothing else refers to it.
        unsafe { header.as_mut() }.next = self.kept;
        self.kept = Some(header);
        self.kept_len += 1;
        self.live -= 1;
    }

    /// Takes some of the kept stacks, if there are more than `most`: so many
    /// that it is worth the trouble, and that half of them are left.
    pub(crate) fn too_many(&mut self, most: usize) -> Option<Batch> {
        if self.kept_len > most {
            self.unkeep(Batch::MOST.min(most / 2 + 1))
        } else {
            None
        }
    }

    /// Takes so many of the kept stacks, or all, if there are any: those that
    /// came last.
    pub(crate) fn unkeep(&mut self, count: usize) -> Option<Batch> {
        let first = self.kept?;
        let count = count.min(self.kept_len);
        for _ in 0..count {
            self.pop_kept();
        }
        Some(Batch {
            next: Some(first),
            count,
        })
    }

    fn pop_kept(&mut self) -> Option<NonNull<StackHeader>> {
        let header = self.kept?;
        // SAFETY: kept stacks are owned by the list.
        self.kept = unsafe { header.as_ref() }.next;
        self.kept_len -= 1;
        Some(header)
    }

    /// Notes what the guard of a slot took.
    pub(crate) fn claim(&mut self, place: SlotNumber, claims: MappingClaims) {
        self.reservation(place.reservation).claim(claims);
    }

    /// How many slots are worth preparing together with this one, which was just taken.
    pub(crate) fn batch(&mut self, place: SlotNumber) -> u32 {
        if self.locked_memory {
            return 1;
        }
        let number = place.number;
        self.reservation(place.reservation).batch(number)
    }

    /// Notes that this slot and those after it, so many together, have been prepared.
    pub(crate) fn prepared(&mut self, place: SlotNumber, batch: u32) {
        let end = place.number + batch;
        self.reservation(place.reservation).prepared(end);
    }

    /// Notes that memory is locked.
    pub(crate) fn stay_small(&mut self) {
        self.locked_memory = true;
    }

    /// Takes out a reservation that is empty, if there is one.
    pub(crate) fn take_empty(&mut self) -> Option<Reservation> {
        let index = self
            .reservations
            .iter()
            .position(|it| it.as_ref().is_some_and(Reservation::is_empty))?;
        let empty = self.reservations[index].take();
        self.available = None;
        for index in (0..self.reservations.len()).rev() {
            let reservation = &self.reservations[index];
            if reservation.as_ref().is_some_and(Reservation::has_room) {
                self.list(index as u32);
            }
        }
        empty
    }

    pub(crate) fn statistics(&self) -> ArenaStatistics {
        let mut statistics = ArenaStatistics {
            live: self.live,
            kept: self.kept_len,
            ..ArenaStatistics::default()
        };
        for reservation in self.reservations.iter().flatten() {
            statistics.used += reservation.used();
            statistics.protected_guards += reservation.protected_guards();
            statistics.reservations += 1;
            statistics.reserved_bytes += reservation.bytes();
        }
        statistics
    }

    fn reservation(&mut self, index: u32) -> &mut Reservation {
        self.reservations[index as usize]
            .as_mut()
            .expect("slots are of reservations that exist")
    }

    /// Adds a reservation to the list of those with free slots.
    fn list(&mut self, index: u32) {
        let next = self.available.replace(index);
        let reservation = self.reservation(index);
        reservation.listed = true;
        reservation.next = next;
    }

    /// Adds a reservation: twice as large as the one before, or as large as
    /// the system has room for.
    #[cold]
    fn grow(&mut self, shape: &StackShape) -> Result<(), StackError> {
        let gap = self.reservations.iter().position(Option::is_none);
        self.reservations
            .try_reserve(1)
            .map_err(|_| StackError::no_heap(shape.stride))?;
        let mut slots = self.next_slots;
        let reservation = loop {
            match Reservation::new(*shape, slots) {
                Ok(reservation) => break Some(reservation),
                Err(error) if slots == 1 => return Err(error),
                Err(_) => slots /= 2,
            }
        };
        self.next_slots = if self.locked_memory {
            shape.first_slots()
        } else {
            (slots * 2).min(shape.most_slots())
        };
        let index = match gap {
            Some(index) => {
                self.reservations[index] = reservation;
                index
            }
            None => {
                self.reservations.push(reservation);
                self.reservations.len() - 1
            }
        };
        self.list(index as u32);
        Ok(())
    }
}
