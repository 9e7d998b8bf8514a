//! Many stacks of one size, from few mappings.

mod colour;
mod config;
mod header;
mod reservation;
mod shape;
mod stack;
mod state;
mod statistics;

pub use config::{ArenaConfig, Reclaim};
pub(crate) use header::StackHeader;
pub use stack::ArenaStack;
pub(crate) use stack::{Reuse, release};
pub use statistics::ArenaStatistics;

use super::guard::{self, Guards};
use super::sanitizer;
use super::sys::memory::{self, Advice, page_size};
use crate::{Stack, StackError};
use core::mem;
use core::ptr::NonNull;
use shape::StackShape;
use stack::ArenaSlot;
use state::{ArenaState, Batch, LockedState, SlotNumber, Taken};
use std::sync::Arc;

/// Many guarded stacks of one size, from few mappings: a million, where each in
/// a mapping of its own ends at about 32,700.
///
/// Address space is reserved in large pieces (`MAP_NORESERVE`), each twice as
/// large as the one before, and cut into equal stacks with a guard below each.
/// Memory is taken page by page, as it is touched. Where the system has
/// lightweight guards, see [`Guards`], a reservation stays one mapping however
/// many stacks there are.
///
/// - [`allocate`](StackArena::allocate) and dropping a stack take O(1) steps,
///   under one short lock for all arenas of the process. A
///   [`PooledStack`](crate::PooledStack) comes from an arena, too, and mostly
///   without the lock.
/// - Clones are handles of the same arena. Handles and stacks may be used and dropped
///   on any thread, in any order: the memory is unmapped after the last of them. A
///   leaked stack keeps it mapped for ever.
/// - A stack that is dropped is the next to be handed out, as long as it is one of a
///   few that keep their memory ([`ArenaConfig::keep`]). Of others the system takes
///   the pages, but not the addresses; [`trim`](StackArena::trim) does more.
///
/// ```
/// use sure_stack::{Stack, StackArena};
///
/// let arena = StackArena::new(64 << 10)?;
/// let stacks = (0..1000).map(|_| arena.allocate()).collect::<Result<Vec<_>, _>>()?;
/// assert!(stacks.iter().all(|stack| stack.size() >= 64 << 10));
/// assert_eq!(arena.statistics().live, 1000);
/// # Ok::<(), sure_stack::StackError>(())
/// ```
#[derive(Clone)]
pub struct StackArena {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    shape: StackShape,
    guards: Guards,
    keep: usize,
    reclaim: Reclaim,
    state: LockedState,
}

impl StackArena {
    /// An arena of stacks with at least `stack_size` usable bytes, with nothing
    /// reserved yet. [`ArenaConfig`] has more to choose from.
    ///
    /// # Errors
    /// As [`ArenaConfig::build`].
    pub fn new(stack_size: usize) -> Result<StackArena, StackError> {
        ArenaConfig::new().stack_size(stack_size).build()
    }

    fn with_config(config: &ArenaConfig, shape: StackShape) -> StackArena {
        StackArena {
            shared: Arc::new(Shared {
                shape,
                guards: config.guards,
                keep: config.keep,
                reclaim: config.reclaim,
                state: LockedState::new(ArenaState::new(&shape)),
            }),
        }
    }

    /// A stack of at least `bytes` usable bytes in a mapping of its own, which is
    /// unmapped when the stack is dropped.
    ///
    /// # Errors
    /// As [`ArenaConfig::build`] and [`StackArena::allocate`].
    pub(crate) fn allocate_alone(bytes: usize) -> Result<ArenaStack, StackError> {
        let config = ArenaConfig::new().stack_size(bytes);
        let mut shape = config.shape()?;
        shape.alone = true;
        // The stack keeps its arena alive.
        StackArena::with_config(&config, shape).allocate()
    }

    /// A stack, which comes back to the arena when it is dropped.
    ///
    /// What it holds is left from earlier use, or zero.
    ///
    /// # Errors
    /// - [`StackError::Map`] if the arena must grow, and the system refuses.
    /// - [`StackError::Guard`] if the system refuses a guard.
    /// - [`StackError::MapCount`] if guards are protected and have used up the
    ///   mappings of the process.
    ///
    /// After any of them the arena is as it was before.
    pub fn allocate(&self) -> Result<ArenaStack, StackError> {
        let shared = &*self.shared;
        let header = match shared.state.with(|state| state.take(&shared.shape))? {
            Taken::Kept(header) => header,
            Taken::Slot {
                place,
                start,
                guarded,
            } => {
                // SAFETY: the slot was just taken.
                if !guarded && !unsafe { shared.prepare(place, start) } {
                    // SAFETY: the slot was just taken.
                    unsafe { shared.guard(place, start)? };
                }
                let slot = ArenaSlot {
                    arena: NonNull::from(shared),
                    place,
                };
                // SAFETY: guard and usable bytes of a slot of this shape, which
                // was just taken, and has room for what is above the base.
                unsafe {
                    let (limit, end) = (start.add(shared.shape.guard), shared.shape.stride);
                    let colour = shared.shape.colour(start);
                    StackHeader::write(limit, start.add(end), colour, slot)
                }
            }
        };
        // Counted until the stack comes back.
        mem::forget(Arc::clone(&self.shared));
        let stack = ArenaStack::new(header);
        sanitizer::handed_out(stack.limit(), stack.base());
        Ok(stack)
    }

    /// Gives back what the arena has no use for now: the memory of free stacks, and the
    /// address space of reservations whose stacks are all free. Returns how
    /// many bytes of address space that was.
    pub fn trim(&self) -> usize {
        let state = &self.shared.state;
        while let Some(batch) = state.with(|state| state.unkeep(Batch::MOST)) {
            self.shared.give_back(batch, Advice::DontNeed);
        }
        let mut bytes = 0;
        // Unmapped without the lock.
        while let Some(reservation) = state.with(ArenaState::take_empty) {
            bytes += reservation.bytes();
        }
        bytes
    }

    /// What the arena has now.
    pub fn statistics(&self) -> ArenaStatistics {
        self.shared.state.with(|state| state.statistics())
    }
}

impl core::fmt::Debug for StackArena {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("StackArena")
            .field("shape", &self.shared.shape)
            .field("statistics", &self.statistics())
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Makes the guards of a slot and of the ones that are taken next, and their first pages, if
    /// there will probably be some, and the system can do that at once. Whether it has.
    ///
    /// Another thread may take one of them meanwhile. It makes its guard itself then, which is the
    /// same guard; and a page that is in use is not changed by being made.
    ///
    /// # Safety
    /// The slot was just taken by the caller, is unused, and begins at `start`.
    unsafe fn prepare(&self, place: SlotNumber, start: NonNull<u8>) -> bool {
        let batch = self.state.with(|state| state.batch(place));
        if batch == 1 {
            return false;
        }
        let (guard, stride) = (self.shape.guard, self.shape.stride);
        let mut starts: Vec<*mut u8> = (0..batch as usize)
            .map(|n| start.as_ptr().wrapping_add(n * stride))
            .collect();
        // SAFETY: the lowest pages of this slot and of those above it, which are of the same
        // reservation (it has so many); that stays, because this slot is taken. Nothing but guards
        // is ever there.
        if !unsafe { guard::install_each(&starts, guard, self.guards) } {
            return false;
        }
        let page = page_size();
        for start in &mut starts {
            *start = start.wrapping_add(stride - page);
        }
        // Where the headers and first frames will be. It is a wish: a page that is not made now is
        // made when it is touched.
        // SAFETY: the highest pages of the same slots, whose contents stay.
        let _ = unsafe { memory::advise_each(&starts, page, Advice::PopulateWrite) };
        self.state.with(|state| state.prepared(place, batch));
        true
    }

    /// Makes the guard of a slot. If the system refuses, the slot is put back.
    ///
    /// # Safety
    /// The slot is the caller's, unused, and begins at `start`.
    unsafe fn guard(&self, place: SlotNumber, start: NonNull<u8>) -> Result<(), StackError> {
        let bytes = self.shape.guard;
        // SAFETY: the lowest pages of an unused slot.
        match unsafe { guard::install(start.as_ptr(), bytes, self.guards) } {
            Ok(claims) if claims.guards() == 0 => Ok(()),
            Ok(claims) => {
                let locked = self.guards == Guards::Automatic && guard::lightweight_guards();
                self.state.with(|state| {
                    state.claim(place, claims);
                    if locked {
                        state.stay_small();
                    }
                });
                Ok(())
            }
            Err(error) => {
                self.state.with(|state| state.refuse(place));
                Err(error)
            }
        }
    }
}
