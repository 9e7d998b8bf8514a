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

/// Where the functions of [`looping_program`] start, one every sixteen bytes.
const FUNCTIONS: u32 = ORIGIN + 0x100;

/// A few instructions that leave the working stack as they find it, or nearly.
fn balanced_piece() -> impl Strategy<Value = Vec<u8>> {
    let binary = prop_oneof![0x20..=0x32_u8, Just(0x20)];
    let address = prop_oneof![3 => MEMORY - 0x80..MEMORY, 1 => ORIGIN..ORIGIN + 0x60];
    let function = (0..4_u32).prop_map(|index| (FUNCTIONS + 16 * index).to_be_bytes());
    prop_oneof![
        // Two literals, an operation with its result added to the word below.
        4 => (0..64_u8, 0..64_u8, binary.clone())
            .prop_map(|(l, r, op)| vec![0xC0 | l, 0xC0 | r, op, 0x20]),
        // DUP, a literal, an operation, XOR.
        3 => (0..64_u8, binary).prop_map(|(x, op)| vec![0x07, 0xC0 | x, op, 0x27]),
        // INC to CI2.
        3 => (0x10..=0x18_u8).prop_map(|op| vec![op]),
        // Loads and stores at an address; a store may hit the program itself.
        3 => (address, 0..3_u8, any::<bool>()).prop_map(|(address, size, store)| {
            let [_, _, high, low] = address.to_be_bytes();
            match store {
                true => vec![0x07, 0x5A, high, low, 0x45 + 16 * size],
                false => vec![0x5A, high, low, 0x40 + 16 * size, 0x20],
            }
        }),
        // Stores and loads of locals.
        2 => (0..20_u8, 0..3_u8)
            .prop_map(|(x, size)| vec![0x07, 0x48 + 16 * size, x, 0x43 + 16 * size, x, 0x27]),
        // A small call, a large one, and one through a popped address.
        3 => function.clone().prop_map(|[_, _, high, low]| vec![0x95, high, low]),
        1 => function.clone().prop_map(|[_, _, high, low]| vec![0x94, high, low]),
        1 => function.clone().prop_map(|[_, _, high, low]| vec![0x5A, high, low, 0x90]),
        // A catch, whose word is dropped if it caught.
        1 => function.prop_map(|[_, _, high, low]| vec![0x5A, high, low, 0x09, 0x01]),
        // An assertion that holds, and one that may.
        1 => Just(vec![0xC1, 0xC1, 0xC5, 0x09, 0x0A]),
        1 => (0..64_u8).prop_map(|x| vec![0x07, 0xC0 | x, 0x27, 0xC0, 0xC5, 0x09, 0x0A]),
        // A jump over the next bytes if a number is 0.
        2 => (1..6_u8).prop_map(|over| vec![0x07, 0xC3, 0x25, 0x82, over]),
        1 => Just(vec![0x03]),
        // SWP of two copies, OVR and DRP, DUPN and DRP, SLC without data.
        1 => Just(vec![0x07, 0x04, 0x20]),
        1 => Just(vec![0x07, 0x06, 0x05, 0x20]),
        1 => Just(vec![0x08, 0x05]),
        1 => Just(vec![0x86, 0x00, 0x20, 0x20]),
    ]
}

/// A loop that runs for long, with functions that it calls: what fast paths are made for.
pub(crate) fn looping_program() -> impl Strategy<Value = Vec<u8>> {
    let body = prop::collection::vec(balanced_piece(), 1..16);
    let function = prop::collection::vec(balanced_piece(), 0..3);
    (body, prop::collection::vec(function, 4), any::<[bool; 4]>()).prop_map(
        |(body, functions, early)| {
            let mut program = vec![0xC7];
            program.extend(body.concat());
            // JMPL.2 to after the first literal.
            program.extend([0x91, (ORIGIN >> 8) as u8, ORIGIN as u8 + 1]);
            for (index, function) in functions.into_iter().enumerate() {
                program.resize((FUNCTIONS - ORIGIN) as usize + 16 * index, 0x02);
                // The first byte is an instruction for a small call, and a header for a large one:
                // NOP and no locals, or INC and 16 bytes.
                let mut code = vec![[0x00, 0x10][index % 2]];
                code.extend(function.concat());
                if early[index] {
                    // DUP RETZ
                    code.insert(1, 0x07);
                    code.insert(2, 0x01);
                }
                code.truncate(15);
                program.extend(code);
            }
            program.resize((FUNCTIONS - ORIGIN) as usize + 64, 0x02);
            program
        },
    )
}
