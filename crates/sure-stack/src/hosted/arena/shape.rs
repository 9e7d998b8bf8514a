//! The sizes that all stacks of an arena have in common.

use super::colour::Colour;
use super::header::{OVERHEAD, PLAIN_OVERHEAD};
use crate::StackError;
use crate::hosted::guard::GUARD_SIZE;
use crate::hosted::sys::memory::page_size;
use core::ptr::NonNull;

/// How a slot is divided.
///
/// ```text
///   stride ─┐
///           │ header, and above it what the colour leaves free
///   base  ──┤
///           │ usable bytes
///   limit ──┤
///           │ guard
///   0      ─┘
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct StackShape {
    pub(crate) guard: usize,
    pub(crate) stride: usize,
    pub(crate) coloured: bool,
    pub(crate) huge: bool,
    /// Whether there is one stack only.
    pub(crate) alone: bool,
}

/// How many stacks a first reservation holds.
const FIRST: usize = 16;

/// How large a reservation may become, in bytes. Where addresses are scarce
/// others need some, too.
const MOST: usize = if usize::BITS == 64 {
    (16_u64 << 30) as usize
} else {
    16 << 20
};

/// What a huge page has, on most systems.
const HUGE: usize = 2 << 20;

impl StackShape {
    /// Stacks with at least `bytes` usable bytes.
    pub(crate) fn new(bytes: usize, coloured: bool, huge: bool) -> Result<StackShape, StackError> {
        let page = page_size();
        let guard = if huge {
            0
        } else {
            GUARD_SIZE.next_multiple_of(page)
        };
        let overhead = if coloured { OVERHEAD } else { PLAIN_OVERHEAD };
        let stride = bytes
            .checked_add(overhead)
            .and_then(|bytes| bytes.checked_next_multiple_of(page))
            .and_then(|bytes| bytes.checked_add(guard))
            .filter(|&stride| bytes > 0 && stride <= isize::MAX as usize)
            .ok_or(StackError::InvalidSize { bytes })?;
        Ok(StackShape {
            guard,
            stride,
            coloured,
            huge,
            alone: false,
        })
    }

    /// Bytes of a slot that are not guard.
    pub(crate) fn bytes(&self) -> usize {
        self.stride - self.guard
    }

    /// By how much the high end of the slot is lowered that begins at `start`.
    pub(super) fn colour(&self, start: NonNull<u8>) -> Colour {
        if self.coloured {
            Colour::of(start, self.stride)
        } else {
            Colour::NONE
        }
    }

    /// How many slots the first reservation has.
    pub(crate) fn first_slots(&self) -> u32 {
        let whole = if self.huge { HUGE / self.stride } else { 0 };
        self.most_slots().min(FIRST.max(whole) as u32)
    }

    /// How many slots a reservation has at the most.
    pub(crate) fn most_slots(&self) -> u32 {
        if self.alone {
            return 1;
        }
        // Numbers of slots have less than 31 bits.
        (MOST / self.stride).clamp(1, 1 << 20) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_takes_no_more_than_its_header_and_its_colour_beyond_its_size() {
        let page = page_size();
        let bytes = |bytes, coloured| {
            let shape = StackShape::new(bytes, coloured, false);
            shape.unwrap().bytes()
        };
        assert_eq!(bytes(page - 256, false), page);
        let range = OVERHEAD - PLAIN_OVERHEAD;
        assert!(range < 4096);
        assert_eq!(bytes(2 * page - range - 256, true), 2 * page);
    }

    #[test]
    fn where_there_are_addresses_reservations_become_large() {
        let shape = StackShape::new(1 << 20, false, false).unwrap();
        let most = u64::from(shape.most_slots()) * shape.stride as u64;
        let (least, unit) = match usize::BITS {
            64 => (15, 1 << 30),
            _ => (12, 1 << 20),
        };
        assert!(most > least * unit, "{most}");
    }

    #[test]
    fn a_first_reservation_fills_a_huge_page() {
        let plain = StackShape::new(16 << 10, false, false).unwrap();
        assert_eq!(plain.first_slots(), FIRST as u32);
        let small = StackShape::new(16 << 10, false, true).unwrap();
        let bytes = small.first_slots() as usize * small.stride;
        assert!(bytes <= HUGE && bytes + small.stride > HUGE, "{bytes}");
        let large = StackShape::new(1 << 20, false, true).unwrap();
        assert_eq!(large.first_slots(), large.most_slots().min(FIRST as u32));
    }
}
