//! Different high ends for stacks of equal shape.
//!
//! The first frames of a stack are its hottest bytes. If every stack began at
//! the same offset in its page, all of them would compete for the same few
//! cache sets, and a thousand coroutines would evict each other from a cache
//! that could hold them all. So each stack begins some lines lower than its lower
//! neighbour, and every so many the colours begin again.
//!
//! From one to the next the distance is nearly always the same. Coroutines that are resumed in the order
//! in which they were made are then touched at a constant stride, which a processor's
//! prefetcher sees; with colours in a random order it does not. The last kibibyte of a (small) page is
//! left, so that shallow stacks still touch one page only.

use core::ptr::NonNull;

/// Two cache lines: processors like to fetch them in pairs.
pub(super) const LINE: usize = 128;

/// A prime. Where memory is one piece (in huge pages, say) the pages of neighbours repeat their cache
/// sets with a power of two for the period, and the colours must not repeat with them.
const COLOURS: usize = 23;

/// By how many bytes a high end may be lowered.
pub(super) const RANGE: usize = LINE * COLOURS;

/// By how many bytes the high end of a stack is lowered.
#[derive(Clone, Copy)]
pub(super) struct Colour(usize);

impl Colour {
    pub(super) const NONE: Colour = Colour(0);

    /// The colour of a slot that begins at `start`, if its neighbours are so many bytes apart.
    pub(super) fn of(start: NonNull<u8>, stride: usize) -> Colour {
        let number = start.addr().get() / stride;
        Colour(number % COLOURS * LINE)
    }

    /// Lowers `base` by this, and to the alignment of a pair of cache lines: by less than [`RANGE`] bytes.
    ///
    /// # Safety
    /// Below `base` are [`RANGE`] bytes of the caller's; [`LINE`] are enough for [`Colour::NONE`].
    pub(super) unsafe fn lower(self, base: NonNull<u8>) -> NonNull<u8> {
        // SAFETY: the colour is at most a `LINE` less than `RANGE`, or zero, and the remainder is less
        // than a `LINE`; so many bytes are the caller's.
        unsafe { base.sub(self.0 + base.addr().get() % LINE) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// By how much the high ends of neighbours differ.
    fn offsets(stride: usize, neighbours: usize) -> Vec<usize> {
        (1..=neighbours)
            .map(|n| NonNull::without_provenance((n * stride).try_into().unwrap()))
            .map(|start: NonNull<u8>| Colour::of(start, stride).0)
            .collect()
    }

    #[test]
    fn equal_strides_get_all_colours() {
        // Stacks of 256 KiB with one guard page and one page for the colour.
        for stride in [66 << 12, 65 << 12, 64 << 12] {
            let offsets = offsets(stride, 64);
            assert!(
                offsets
                    .iter()
                    .all(|offset| offset % LINE == 0 && *offset < RANGE)
            );
            let different = HashSet::<usize>::from_iter(offsets);
            assert_eq!(different.len(), COLOURS, "{stride:#x}");
        }
    }

    #[test]
    fn neighbours_are_one_stride_apart_but_where_colours_begin_again() {
        let offsets = offsets(66 << 12, 10 * COLOURS);
        let steps = offsets
            .windows(2)
            .filter(|pair| pair[1] == pair[0] + LINE)
            .count();
        assert!(steps >= 9 * (COLOURS - 1), "{steps} of {}", offsets.len());
    }

    #[test]
    fn a_power_of_two_does_not_repeat_with_the_colours() {
        // Where 16 neighbours use all pages of a cache once.
        let stride = 66 << 12;
        let places: HashSet<(usize, usize)> = offsets(stride, 16 * COLOURS)
            .into_iter()
            .enumerate()
            .map(|(n, offset)| (n % 16, offset))
            .collect();
        assert_eq!(places.len(), 16 * COLOURS);
    }
}
