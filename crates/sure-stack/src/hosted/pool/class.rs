//! The sizes of stacks that pools keep: the powers of two from 16 KiB to 8 MiB.

use crate::hosted::arena::{ArenaConfig, StackArena};
use crate::{DEFAULT_STACK_SIZE, LARGEST_POOLED_SIZE};
use std::sync::OnceLock;

/// Usable bytes of the smallest class. Less would save addresses only.
const SMALLEST: usize = 16 << 10;

/// How many classes there are.
pub(super) const CLASSES: usize = (LARGEST_POOLED_SIZE / SMALLEST).ilog2() as usize + 1;

/// How many free stacks an arena keeps with their memory, and, of all classes but the
/// default, how many bytes those may hold.
const KEPT: usize = 128;
const KEPT_BYTES: usize = 8 << 20;

/// The stacks of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SizeClass(u8);

impl SizeClass {
    /// That of [`DEFAULT_STACK_SIZE`].
    pub(super) const DEFAULT: SizeClass = match SizeClass::of(DEFAULT_STACK_SIZE) {
        Some(class) => class,
        None => panic!("stacks of the default size are pooled"),
    };

    /// The class whose stacks have at least `bytes` usable bytes, and less than twice as
    /// many unless it is the smallest. None for 0, and beyond the largest.
    #[inline]
    pub(super) const fn of(bytes: usize) -> Option<SizeClass> {
        if bytes == 0 || bytes > LARGEST_POOLED_SIZE {
            return None;
        }
        Some(SizeClass(
            ((bytes - 1) / SMALLEST + 1).next_power_of_two().ilog2() as u8,
        ))
    }

    /// Every class, from the smallest.
    pub(super) fn all() -> impl Iterator<Item = SizeClass> {
        (0..CLASSES as u8).map(SizeClass)
    }

    /// Less than [`CLASSES`].
    #[inline]
    pub(super) const fn number(self) -> u8 {
        self.0
    }

    /// Usable bytes of a stack, at least.
    pub(super) const fn bytes(self) -> usize {
        SMALLEST << self.0
    }

    /// The arena of all threads for stacks of this size.
    pub(super) fn arena(self) -> &'static StackArena {
        static ARENAS: [OnceLock<StackArena>; CLASSES] = [const { OnceLock::new() }; CLASSES];
        ARENAS[usize::from(self.0)].get_or_init(|| {
            let arena = self.config().build();
            arena.expect("the size of a class is a size")
        })
    }

    /// How many bytes of a stack can take memory.
    pub(super) fn footprint(self) -> usize {
        let shape = self.config().shape();
        shape.expect("the size of a class is a size").bytes()
    }

    fn config(self) -> ArenaConfig {
        ArenaConfig::new()
            .stack_size(self.bytes())
            .keep(self.kept())
    }

    /// How many free stacks the arena keeps with their memory.
    fn kept(self) -> usize {
        if self == SizeClass::DEFAULT {
            KEPT
        } else {
            KEPT.min(KEPT_BYTES / self.bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_large_enough_and_not_much_larger() {
        for class in SizeClass::all() {
            let bytes = class.bytes();
            assert_eq!(SizeClass::of(bytes), Some(class));
            assert_eq!(SizeClass::of(bytes / 2 + 1), Some(class));
            assert!(class.footprint() > bytes);
            let next = SizeClass::of(bytes + 1).map(SizeClass::number);
            let after = class.number() + 1;
            assert_eq!(next, (usize::from(after) < CLASSES).then_some(after));
        }
        assert_eq!(SizeClass::of(1).map(SizeClass::number), Some(0));
        assert_eq!(SizeClass::of(0), None);
        assert_eq!(SizeClass::of(usize::MAX), None);
        assert_eq!(SizeClass::DEFAULT.bytes(), DEFAULT_STACK_SIZE);
    }

    #[test]
    fn what_arenas_keep_is_bounded_in_number_and_but_for_the_default_in_bytes() {
        let kept = |bytes| SizeClass::of(bytes).unwrap().kept();
        assert_eq!(SizeClass::DEFAULT.kept(), KEPT);
        assert_eq!([kept(SMALLEST), kept(64 << 10)], [KEPT, KEPT]);
        assert_eq!([kept(1 << 20), kept(8 << 20)], [8, 1]);
    }
}
