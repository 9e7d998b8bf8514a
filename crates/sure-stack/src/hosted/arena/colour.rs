//! Different high ends for stacks of equal shape.
//!
//! The first frames of a stack are its hottest bytes. If every stack began at
//! the same offset in its page, all of them would compete for the same few
//! cache sets, and a thousand coroutines would evict each other from a cache
//! that could hold them all. So each stack begins some lines lower,
//! how many is told by its address. The last kibibyte of a (small) page is
//! left, so that shallow stacks still touch one page only.

use core::ptr::NonNull;

/// Two cache lines: processors like to fetch them in pairs.
pub(super) const LINE: usize = 128;
const COLOURS: usize = 24;

/// By how many bytes a high end may be lowered.
pub(super) const RANGE: usize = LINE * COLOURS;

/// Lowers `base`, which lies in the last bytes of a page, by its colour and to
/// the alignment of a pair of cache lines: by at most [`RANGE`] bytes.
pub(super) fn apply(base: NonNull<u8>) -> NonNull<u8> {
    // Neighbours differ: the golden ratio spreads consecutive numbers evenly.
    let number = (base.addr().get() >> 12) as u32;
    let spread = u64::from(number.wrapping_mul(0x9E37_79B9));
    let colour = ((spread * COLOURS as u64) >> 32) as usize;
    // SAFETY: `base` is the high end of at least `RANGE` bytes of the caller's.
    unsafe { base.sub(colour * LINE + base.addr().get() % LINE) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn equal_strides_get_all_colours() {
        // Stacks of 256 KiB with one guard page and one page for the colour.
        for stride in [66 << 12, 65 << 12, 64 << 12] {
            let offsets: HashSet<usize> = (1..=64)
                .map(|n| NonNull::without_provenance((n * stride).try_into().unwrap()))
                .map(|base: NonNull<u8>| base.addr().get() - apply(base).addr().get())
                .collect();
            assert!(
                offsets
                    .iter()
                    .all(|offset| offset % LINE == 0 && *offset <= RANGE)
            );
            assert!(
                offsets.len() > COLOURS / 2,
                "{stride:#x}: {}",
                offsets.len()
            );
        }
    }
}
