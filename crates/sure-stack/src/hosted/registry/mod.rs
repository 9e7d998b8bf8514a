//! Which addresses belong to stacks of ours.
//!
//! The handler of `overflow` asks, which has a fault address, and so does the
//! function that names a stack. A module that maps stacks registers each mapping
//! once, however many stacks it is cut into; handing them out and taking them back
//! costs nothing.

mod label;

pub(crate) use label::{label, with_label};

use crate::StackError;
use crate::hosted::index::Index;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

static REGIONS: Index<Region> = Index::new();

/// How many regions have been forgotten so far.
static FORGOTTEN: AtomicUsize = AtomicUsize::new(0);

/// A number that changes whenever a region is forgotten, before its memory is
/// unmapped. A caller that has found an address in a region may rely on that
/// as long as the number is the same: a thread that maps another stack at that place, and
/// hands it on, does so after the change.
#[inline(always)]
pub(crate) fn forgotten() -> usize {
    FORGOTTEN.load(Relaxed)
}

/// A mapping that holds stacks: one, or many of one shape.
///
/// ```text
///   high ─┐
///         │ the last slot
///         ├─
///         ···
///         ├─ low + stride
///         │ usable bytes
///         │ guard: the lowest bytes of each slot
///   low  ─┘
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    /// The lowest address, that of the lowest guard.
    pub(crate) low: usize,
    /// The high end, exclusive. Regions do not overlap.
    pub(crate) high: usize,
    /// Bytes from the beginning of a slot to that of the next; where there is
    /// one slot, all of them.
    pub(crate) stride: usize,
    /// Bytes of guard, less than a stride.
    pub(crate) guard: usize,
}

impl Region {
    fn bytes(&self) -> usize {
        self.high - self.low
    }
}

/// Keeps a region known. To be dropped before the region is unmapped: a mapping
/// that another library makes at the same address is not a stack.
#[derive(Debug)]
pub(crate) struct Registration {
    low: usize,
    high: usize,
}

/// Makes a region known.
///
/// # Errors
/// [`StackError::Map`], if there is no memory to note it down.
pub(crate) fn register(region: Region) -> Result<Registration, StackError> {
    debug_assert!(region.low < region.high && region.guard < region.stride);
    match REGIONS.insert(region.low, region) {
        Ok(()) => Ok(Registration {
            low: region.low,
            high: region.high,
        }),
        Err(region) => Err(StackError::no_heap(region.bytes())),
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        label::forget(self.low, self.high);
        REGIONS.remove(self.low, self.low + 1);
        FORGOTTEN.fetch_add(1, Relaxed);
    }
}

/// The addresses of one stack, its guard included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StackRange {
    /// The lowest address of the guard.
    pub(crate) guard: usize,
    /// The lowest usable address.
    pub(crate) limit: usize,
    /// The high end, exclusive; the stack's base is there or some bytes below.
    pub(crate) end: usize,
}

impl StackRange {
    /// Whether an access to this address, which lies in the range, is an overflow.
    pub(crate) fn guards(&self, address: usize) -> bool {
        address < self.limit
    }
}

/// The stack in which an address lies.
///
/// It takes O(log n) steps for n regions, neither locks nor allocates, and may
/// be called by a signal handler, whatever other threads register meanwhile.
pub(crate) fn find(address: usize) -> Option<StackRange> {
    let region = REGIONS.find(address, |_, region| *region)?;
    if address >= region.high {
        return None;
    }
    let guard = address - (address - region.low) % region.stride;
    Some(StackRange {
        guard,
        limit: guard + region.guard,
        end: region.high.min(guard + region.stride),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses that no mapping of the process has: tests run beside others.
    fn single(low: usize) -> Region {
        Region {
            low,
            high: low + 0x5000,
            stride: 0x5000,
            guard: 0x1000,
        }
    }

    #[test]
    fn a_region_is_known_as_long_as_its_registration() {
        assert_eq!(single(0x10_0000).bytes(), 0x5000);
        let registration = register(single(0x10_0000)).unwrap();
        let range = StackRange {
            guard: 0x10_0000,
            limit: 0x10_1000,
            end: 0x10_5000,
        };
        for address in [0x10_0000, 0x10_0FFF, 0x10_1000, 0x10_4FFF] {
            assert_eq!(find(address), Some(range));
        }
        assert!(range.guards(0x10_0FFF) && !range.guards(0x10_1000));
        assert_eq!((find(0x0F_FFFF), find(0x10_5000)), (None, None));
        drop(registration);
        assert_eq!(find(0x10_0000), None);
    }

    #[test]
    fn neighbours_are_told_apart() {
        let registrations: Vec<_> = (0..100)
            .map(|n| register(single(0x11_0000 + n * 0x5000)).unwrap())
            .collect();
        for n in 0..100 {
            let low = 0x11_0000 + n * 0x5000;
            assert_eq!(find(low).unwrap().guard, low);
            assert_eq!(find(low + 0x4FFF).unwrap().end, low + 0x5000);
        }
        for (n, registration) in registrations.into_iter().enumerate() {
            drop(registration);
            assert_eq!(find(0x11_0000 + n * 0x5000), None);
        }
    }

    #[test]
    fn a_region_is_cut_into_slots() {
        let _registration = register(Region {
            low: 0x31_0000,
            high: 0x31_0000 + 1_000 * 0x500,
            stride: 0x500,
            guard: 0x100,
        })
        .unwrap();
        for n in 0..1_000 {
            let guard = 0x31_0000 + n * 0x500;
            let range = StackRange {
                guard,
                limit: guard + 0x100,
                end: guard + 0x500,
            };
            assert_eq!(find(guard), Some(range));
            assert_eq!(find(guard + 0x4FF), Some(range));
        }
    }
}
