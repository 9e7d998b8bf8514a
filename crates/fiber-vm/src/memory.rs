//! The flat memory: every access is checked, address 0 is null, numbers are little-endian.

use core::ops::Range;

use crate::code_map::CodeMap;
use crate::error::{ErrorCode, rare};
use crate::op::opcode;

/// What the byte at address 0 holds: no instruction.
///
/// No program and no host can read or write that byte, so the interpreter's fetch needs no check
/// of its own for null: it finds an instruction that does not exist and only then asks where.
pub(crate) const NULL_BYTE: u8 = 0x3F;
const _: () = assert!(NULL_BYTE > opcode::DIV_S && NULL_BYTE < opcode::FT_1);

/// The memory of one machine, borrowed.
///
/// At most `u32::MAX` bytes, so an address after the last byte still fits 32 bits.
#[derive(Debug)]
pub(crate) struct Memory<'a> {
    pub(crate) bytes: &'a mut [u8],
    /// Every write of bytes is noted here.
    pub(crate) code: &'a mut CodeMap,
}

impl Memory<'_> {
    pub(crate) fn reborrow(&mut self) -> Memory<'_> {
        Memory {
            bytes: self.bytes,
            code: self.code,
        }
    }

    /// The instruction byte at `ep`; [`NULL_BYTE`] at 0.
    #[inline(always)]
    pub(crate) fn instruction(&self, ep: u32) -> Result<u8, ErrorCode> {
        self.bytes
            .get(ep as usize)
            .copied()
            .ok_or_else(|| rare(ErrorCode::OUT_OF_BOUNDS))
    }

    /// The bytes of an immediate at `ep`, which is not null: an instruction came before it.
    #[inline(always)]
    pub(crate) fn immediate<const N: usize>(&self, ep: u32) -> Result<[u8; N], ErrorCode> {
        // Slicing in two steps: `address + N` could wrap where usize has 32 bits.
        match self
            .bytes
            .get(ep as usize..)
            .and_then(|tail| tail.first_chunk())
        {
            Some(bytes) => Ok(*bytes),
            None => Err(rare(ErrorCode::OUT_OF_BOUNDS)),
        }
    }

    /// The bytes at `address`, which is checked to be neither null nor out of range.
    #[inline(always)]
    pub(crate) fn load<const N: usize>(&self, address: u32) -> Result<[u8; N], ErrorCode> {
        if address == 0 {
            return Err(rare(ErrorCode::NULL));
        }
        self.immediate(address)
    }

    /// Stores bytes at `address`, checked like [`Memory::load`]. Says whether one of them has been
    /// decoded: then what is decoded is out of date.
    #[inline(always)]
    pub(crate) fn store<const N: usize>(
        &mut self,
        address: u32,
        bytes: [u8; N],
    ) -> Result<bool, ErrorCode> {
        if address == 0 {
            return Err(rare(ErrorCode::NULL));
        }
        match self
            .bytes
            .get_mut(address as usize..)
            .and_then(|tail| tail.first_chunk_mut())
        {
            Some(place) => *place = bytes,
            None => return Err(rare(ErrorCode::OUT_OF_BOUNDS)),
        }
        Ok(self.code.stored::<N>(address))
    }

    /// A range to write to. What is decoded of it is out of date from here on.
    pub(crate) fn range_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        // Both ends of a range in memory fit 32 bits.
        self.code.written(range.start as u32, range.len() as u32);
        &mut self.bytes[range]
    }

    /// The range of `len` bytes at `address`, by the rules of [`range`].
    pub(crate) fn range(&self, address: u32, len: u32) -> Result<Range<usize>, ErrorCode> {
        range(self.bytes.len(), address, len)
    }
}

/// The range of `len` bytes at `address` in a memory of that size. Length 0 touches nothing, so it
/// is always right.
pub(crate) fn range(memory_len: usize, address: u32, len: u32) -> Result<Range<usize>, ErrorCode> {
    if len == 0 {
        return Ok(0..0);
    }
    if address == 0 {
        return Err(ErrorCode::NULL);
    }
    let start = address as usize;
    match start.checked_add(len as usize) {
        Some(end) if end <= memory_len => Ok(start..end),
        _ => Err(ErrorCode::OUT_OF_BOUNDS),
    }
}

/// The sum of an address and an offset. A sum past 32 bits is out of range: it never comes round
/// to a small address.
#[inline(always)]
pub(crate) fn offset(address: u32, by: u32) -> Result<u32, ErrorCode> {
    address
        .checked_add(by)
        .ok_or_else(|| rare(ErrorCode::OUT_OF_BOUNDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_comes_before_out_of_bounds() {
        let memory = Memory {
            bytes: &mut [],
            code: &mut CodeMap::new(0),
        };
        assert_eq!(memory.load::<1>(0), Err(ErrorCode::NULL));
        assert_eq!(memory.load::<1>(1), Err(ErrorCode::OUT_OF_BOUNDS));
    }

    #[test]
    fn the_last_bytes_are_in_and_one_more_is_out() {
        let mut bytes = [0, 1, 2, 3, 4, 5];
        let memory = Memory {
            bytes: &mut bytes,
            code: &mut CodeMap::new(0),
        };
        assert_eq!(memory.load::<4>(2), Ok([2, 3, 4, 5]));
        for address in [3, 5, 6, 7, u32::MAX - 1, u32::MAX] {
            assert_eq!(
                memory.load::<4>(address),
                Err(ErrorCode::OUT_OF_BOUNDS),
                "{address}"
            );
        }
        assert_eq!(memory.range(2, 4), Ok(2..6));
        assert_eq!(memory.range(2, 5), Err(ErrorCode::OUT_OF_BOUNDS));
        assert_eq!(memory.range(2, u32::MAX), Err(ErrorCode::OUT_OF_BOUNDS));
        assert_eq!(
            memory.range(u32::MAX, u32::MAX),
            Err(ErrorCode::OUT_OF_BOUNDS)
        );
        assert_eq!(memory.range(0, 0), Ok(0..0));
        assert_eq!(memory.range(u32::MAX, 0), Ok(0..0));
    }
}
