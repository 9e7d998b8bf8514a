//! The sizes that blocks come in.
//!
//! Up to 512 bytes a multiple of 8; up to 8 KiB, eight steps to each doubling,
//! so that at most an eighth is wasted; beyond, the general allocator serves,
//! in multiples of 1 KiB.

/// All classes, smallest first.
pub(crate) const SIZES: [usize; CLASSES] = {
    let mut sizes = [0; CLASSES];
    let mut class = 0;
    while class < CLASSES {
        sizes[class] = if class < FINE {
            (class + 1) * GRAIN
        } else {
            let (doubling, step) = ((class - FINE) / STEPS, (class - FINE) % STEPS);
            (FINE_END / STEPS * (STEPS + 1 + step)) << doubling
        };
        class += 1;
    }
    sizes
};

pub(crate) const CLASSES: usize = FINE + DOUBLINGS * STEPS;

const GRAIN: usize = 8;
const FINE_END: usize = 512;
const FINE: usize = FINE_END / GRAIN;
const STEPS: usize = 8;
const DOUBLINGS: usize = 4;

/// The largest size that has a class.
const LARGEST: usize = FINE_END << DOUBLINGS;

/// The class for so many bytes, unless they are too many. 0 bytes have the smallest.
#[inline(always)]
pub(crate) fn of(bytes: usize) -> Option<usize> {
    if bytes <= FINE_END {
        Some(bytes.saturating_sub(1) / GRAIN)
    } else if bytes <= LARGEST {
        let doubling = ((bytes - 1) / FINE_END).ilog2() as usize;
        let step = (FINE_END / STEPS) << doubling;
        Some(FINE + doubling * STEPS + (bytes - 1 - (FINE_END << doubling)) / step)
    } else {
        None
    }
}

/// How many bytes a block for so many bytes has.
#[inline(always)]
pub(crate) fn size(bytes: usize) -> usize {
    match of(bytes) {
        Some(class) => SIZES[class],
        None => bytes.next_multiple_of(1 << 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_size_has_the_smallest_class_that_holds_it() {
        for bytes in 0..=LARGEST {
            let class = of(bytes).expect("a class");
            assert!(SIZES[class] >= bytes, "{bytes}");
            assert!(class == 0 || SIZES[class - 1] < bytes, "{bytes}");
        }
        assert_eq!(of(LARGEST + 1), None);
        assert_eq!(SIZES[CLASSES - 1], LARGEST);
    }

    #[test]
    fn little_is_wasted() {
        for bytes in FINE_END..100_000 {
            assert!(size(bytes) <= bytes + bytes / 8 + 1, "{bytes}");
        }
    }
}
