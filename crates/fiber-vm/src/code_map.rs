//! Which bytes of memory have been decoded, so that writing to one of them is noticed.
//!
//! One bit a byte: programs mix code and data as they like, and a store beside an instruction must
//! not cost a decoding.

use alloc::boxed::Box;
use alloc::vec;

/// The map, and the version of the code.
#[derive(Debug)]
pub(crate) struct CodeMap {
    /// Bit `a % 8` of byte `a / 8` belongs to address `a`. Two bytes more than program memory
    /// needs, so that the bits of four addresses are always in a window of two bytes.
    bits: Box<[u8]>,
    /// The first address without a bit.
    covered: u32,
    /// Grows whenever a decoded byte is written. 64 bits do not come round: at a write every
    /// nanosecond, in 584 years.
    version: u64,
}

impl CodeMap {
    /// A map for so many bytes of program memory; 0 for a machine that decodes nothing.
    pub(crate) fn new(program_bytes: u32) -> Self {
        let len = match program_bytes {
            0 => 0,
            bytes => bytes as usize / 8 + 2,
        };
        // Version 0 is that of blocks that have never been built.
        Self {
            bits: vec![0; len].into_boxed_slice(),
            covered: program_bytes,
            version: 1,
        }
    }

    /// Bytes that a map for so much program memory takes.
    pub(crate) const fn bytes(program_bytes: u32) -> usize {
        program_bytes as usize / 8 + 2
    }

    /// The end of what can be decoded.
    pub(crate) fn covered(&self) -> u32 {
        self.covered
    }

    /// What is decoded now is right as long as this stays.
    #[inline(always)]
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Notes that the bytes have been decoded. All of them lie in program memory.
    pub(crate) fn decoded(&mut self, address: u32, len: u32) {
        for address in address..address + len {
            if let Some(bits) = self.bits.get_mut((address / 8) as usize) {
                *bits |= 1 << (address % 8);
            }
        }
    }

    /// Notes that `N` bytes, at most four, have been written. Whether one of them was decoded.
    #[inline(always)]
    pub(crate) fn stored<const N: usize>(&mut self, address: u32) -> bool {
        const { assert!(N <= 4) };
        // Bytes past program memory have no bits: the fibers' locals are never decoded.
        let tail = self.bits.get((address / 8) as usize..);
        let Some(window) = tail.and_then(|tail| tail.first_chunk()) else {
            return false;
        };
        let bits = u16::from_le_bytes(*window) >> (address % 8);
        let hit = bits & ((1 << N) - 1) != 0;
        if hit {
            self.written(address, N as u32);
        }
        hit
    }

    /// Notes that a range of any length has been written.
    #[inline(never)]
    pub(crate) fn written(&mut self, address: u32, len: u32) {
        let end = (u64::from(address) + u64::from(len)).min(self.bits.len() as u64 * 8);
        let mut hit = false;
        let mut at = u64::from(address);
        while at < end {
            // From here to the end of the byte of eight bits, or of the range.
            let next = (at / 8 * 8 + 8).min(end);
            let mask = (0xFF_u8 << (at % 8)) & (0xFF >> (at / 8 * 8 + 8 - next));
            let bits = &mut self.bits[(at / 8) as usize];
            hit |= *bits & mask != 0;
            // Nothing of the new version has been decoded yet.
            *bits &= !mask;
            at = next;
        }
        if hit {
            self.version += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_noticed_where_it_touches_a_decoded_byte_and_only_there() {
        for len in [1, 2, 4, 7, 30] {
            for address in 0..64 {
                let mut map = CodeMap::new(64);
                map.decoded(20, 3);
                let touches = address < 23 && address + len > 20;
                map.written(address, len);
                assert_eq!(map.version() == 2, touches, "{address} {len}");
                map.written(address, len);
                assert_eq!(
                    map.version() == 2,
                    touches,
                    "its bits are clear: {address} {len}"
                );
                map.written(0, 64);
                let rest = 20..23;
                let left = rest
                    .filter(|byte| !(address..address + len).contains(byte))
                    .count();
                let expected = 1 + u64::from(touches) + u64::from(left > 0);
                assert_eq!(map.version(), expected, "{address} {len}");
            }
        }
    }

    #[test]
    fn small_stores_are_ranges() {
        fn check<const N: usize>() {
            for address in 0..80 {
                let mut map = CodeMap::new(64);
                map.decoded(7, 2);
                map.decoded(63, 1);
                let touches = (7..9)
                    .chain([63])
                    .any(|code| (address..address + N as u32).contains(&code));
                assert_eq!(map.stored::<N>(address), touches, "{address} {N}");
                assert!(!map.stored::<N>(address));
            }
            let mut map = CodeMap::new(64);
            assert!(!map.stored::<N>(u32::MAX));
            map.written(u32::MAX, u32::MAX);
            assert_eq!(map.version(), 1);
        }
        check::<1>();
        check::<2>();
        check::<4>();
    }
}
