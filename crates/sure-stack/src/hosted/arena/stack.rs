//! A stack of an arena, and its way back.

use super::Shared;
use super::config::Reclaim;
use super::header::StackHeader;
use super::state::{Batch, SlotNumber};
use crate::hosted::sys::memory::{self, Advice};
use crate::{Stack, StackSize};
use core::mem::ManuallyDrop;
use core::ops::Range;
use core::ptr::NonNull;
use std::sync::Arc;

/// The slot of an arena that a stack is in.
#[derive(Clone, Copy, Debug)]
pub(super) struct ArenaSlot {
    /// With one count of its [`Arc`], while the stack is out.
    pub(super) arena: NonNull<Shared>,
    pub(super) place: SlotNumber,
}

impl ArenaSlot {
    /// How many bytes of guard the stack has.
    pub(super) fn guard_bytes(&self) -> usize {
        // SAFETY: the arena lives as long as a stack of it does.
        unsafe { self.arena.as_ref() }.shape.guard
    }

    /// Puts a stack back where it comes from.
    ///
    /// # Safety
    /// The stack is out; it and its header are the caller's, and not used any more.
    unsafe fn put_back(self, header: NonNull<StackHeader>, reuse: Reuse) {
        // SAFETY: the count of the stack.
        let shared = unsafe { Arc::from_raw(self.arena.as_ptr()) };
        let batch = shared.state.with(|state| {
            // SAFETY: the caller owns the header and its stack, and gives them to the arena.
            unsafe { state.keep(header) };
            match reuse {
                Reuse::Keep => state.too_many(shared.keep),
                Reuse::GiveBack => state.unkeep(1),
            }
        });
        if let Some(batch) = batch {
            let advice = match (shared.reclaim, reuse) {
                (Reclaim::Lazily, Reuse::Keep) => Advice::Free,
                _ => Advice::DontNeed,
            };
            shared.give_back(batch, advice);
        }
    }
}

/// What the memory of a stack that is put back is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// The arena may keep it for the next stack.
    Keep,
    /// The system is to have it.
    GiveBack,
}

/// Puts a stack back into its arena.
///
/// # Safety
/// The header and the stack below it are the caller's, and not used any more.
#[cold]
pub(crate) unsafe fn release(header: NonNull<StackHeader>, reuse: Reuse) {
    // SAFETY: the header is the caller's.
    let slot = unsafe { header.as_ref() }.slot;
    // SAFETY: the header is the caller's.
    unsafe { StackHeader::announce(header, false) };
    // SAFETY: the stack of this header is out, and the caller's.
    unsafe { slot.put_back(header, reuse) };
}

impl Shared {
    /// Gives the memory of some stacks back to the system, and puts them among
    /// the free ones.
    ///
    /// Neighbours go together, with the guards between them, which stay what
    /// they are: it is the calls that cost, not the pages.
    pub(super) fn give_back(&self, batch: Batch, advice: Advice) {
        let shape = &self.shape;
        let mut slots = [(core::ptr::null_mut::<u8>(), None); Batch::MOST];
        let mut count = 0;
        for header in batch {
            // SAFETY: a stack of the batch, with nothing alive on it.
            let header = unsafe { header.as_ref() };
            slots[count] = (header.limit.as_ptr(), Some(header.slot.place));
            count += 1;
        }
        let slots = &mut slots[..count];
        slots.sort_unstable_by_key(|(limit, _)| *limit);
        for run in slots.chunk_by(|(a, _), (b, _)| a.addr() + shape.stride == b.addr()) {
            let bytes = shape.stride * (run.len() - 1) + shape.bytes();
            // Locked memory stays, and so does all if the system will have it so.
            // SAFETY: slots of one mapping, with nothing alive in them; the
            // guards between them have no contents.
            let _ = unsafe { memory::advise(run[0].0, bytes, advice) };
        }
        self.state.with(|state| {
            for place in slots.iter().filter_map(|(_, place)| *place) {
                state.put_back(place, true);
            }
        });
    }
}

/// A stack of a [`StackArena`](crate::StackArena). Dropping it puts it back, on any thread.
#[derive(Debug)]
pub struct ArenaStack {
    header: NonNull<StackHeader>,
}

// SAFETY: the stack is owned, and its arena is `Sync`.
unsafe impl Send for ArenaStack {}
// SAFETY: through a shared reference only the bounds can be read.
unsafe impl Sync for ArenaStack {}

impl ArenaStack {
    /// Usable bytes.
    #[inline]
    pub fn size(&self) -> usize {
        StackSize::size(self)
    }

    /// The addresses of the guard, which end at the [`limit`](Stack::limit): at
    /// least [`GUARD_SIZE`](crate::GUARD_SIZE) bytes, of which each access faults.
    /// Empty for a stack in huge pages.
    pub fn guard(&self) -> Range<usize> {
        // SAFETY: the header is owned.
        unsafe { self.header.as_ref() }.guard()
    }

    /// The header is that of a stack which is out, and the caller's.
    pub(super) fn new(header: NonNull<StackHeader>) -> ArenaStack {
        ArenaStack { header }
    }

    /// The header, which is the caller's to [`release`].
    pub(crate) fn into_header(self) -> NonNull<StackHeader> {
        ManuallyDrop::new(self).header
    }
}

// SAFETY: (1) the slot's bytes from the guard to the header are this value's
// own until it is put back, and the arena stays mapped until then; (2) the
// header never moves; (3) the guard is below, or else the caller of
// `huge_pages_without_guards` has promised that no access goes there.
unsafe impl Stack for ArenaStack {
    #[inline]
    fn base(&self) -> NonNull<u8> {
        // SAFETY: every stack's header was made by `StackHeader::write`.
        unsafe { StackHeader::base(self.header) }
    }

    #[inline]
    fn limit(&self) -> NonNull<u8> {
        // SAFETY: the header is owned.
        unsafe { self.header.as_ref() }.limit
    }
}

impl Drop for ArenaStack {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: owned, and not used after this.
        unsafe { release(self.header, Reuse::Keep) };
    }
}
