//! Random programs: bytes, instructions that mostly make sense, and mutations of those.

use fiber_vm::op::{DEVICES, OPS, Operand, Size};
use proptest::prelude::*;

/// Where programs start.
pub(crate) const ORIGIN: u32 = 0x400;
/// How large the memory below the locals stacks is. Small, so that wild addresses often hit it.
pub(crate) const MEMORY: u32 = 0x800;

/// One instruction with a likely immediate.
fn instruction() -> impl Strategy<Value = Vec<u8>> {
    let sizes = prop::sample::select(Size::ALL.to_vec());
    // Instructions that push come twice, or most programs would end at once for want of operands.
    let op = prop_oneof![
        2 => prop::sample::select(OPS.to_vec()),
        1 => Just(*OPS.last().unwrap()),
    ];
    (op, sizes, immediate()).prop_map(|(op, size, value)| {
        let bits = if op.sized { size.bits() } else { 0 };
        let mut bytes = vec![op.base + bits];
        let value = match op.operand {
            Operand::Small => {
                bytes[0] += (value & 63) as u8;
                value
            }
            Operand::Device => DEVICES
                .get(value as usize % (DEVICES.len() + 1))
                .map_or(value, |row| row.0.into()),
            Operand::Register => [0, 1, 0x80, 0x84, 0x88, value][value as usize % 6],
            // Short relative jumps, and addresses in the program.
            Operand::Target if size == Size::One => (value % 32).wrapping_sub(8),
            Operand::Target => ORIGIN + value % 64,
            Operand::Length => value % 8,
            _ => value,
        };
        let len = op.operand.bytes(size) as usize;
        bytes.extend_from_slice(&value.to_be_bytes()[4 - len..]);
        bytes
    })
}

/// Numbers that programs are likely to stumble over.
fn immediate() -> impl Strategy<Value = u32> {
    prop_oneof![
        4 => 0..64_u32,
        4 => ORIGIN..ORIGIN + 64,
        2 => MEMORY - 8..MEMORY + 8,
        1 => prop::sample::select(vec![0xFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, u32::MAX]),
        1 => any::<u32>(),
    ]
}

/// A catch of whatever stands some bytes into the program.
fn catch() -> impl Strategy<Value = Vec<u8>> {
    (0..48_u8).prop_map(|at| vec![0x5A, (ORIGIN >> 8) as u8, at, 0x09, 0x01])
}

/// A run of valid instructions.
pub(crate) fn valid_program() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![12 => instruction(), 1 => catch()];
    prop::collection::vec(piece, 1..80).prop_map(|pieces| pieces.concat())
}

/// Any bytes.
pub(crate) fn random_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..400)
}

/// A valid program with some bytes changed.
pub(crate) fn mutated_program() -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6);
    (valid_program(), changes).prop_map(|(mut bytes, changes)| {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

/// Any of these.
pub(crate) fn program() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![1 => random_bytes(), 3 => valid_program(), 2 => mutated_program()]
}
