//! The decoded blocks of a machine: a table with one place for each hash of an address.

use alloc::boxed::Box;
use alloc::vec;

use super::build::build;
use super::op::Op;
use crate::machine::Machine;

/// The most operations of a block.
pub(super) const OPS: usize = 24;

/// What building a block costs, in visits to addresses that have none.
///
/// Such a visit executes some instructions carefully, and building takes as long as some hundred of
/// them. So a program that rewrites its code all the time, or whose blocks drive each other out of
/// the table, is little slower than it would be without blocks.
const COST: u32 = 16;

/// Instructions that run one after another from one address on: along jumps, into calls, and out
/// of them again. Their checks of stacks and fuel are made once, at the head.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(crate) struct Block {
    /// Where it starts.
    pub(super) ep: u32,
    /// The version of the code that it was decoded from; 0 for none.
    pub(super) version: u64,
    /// Instructions in it.
    pub(super) count: u8,
    /// Words on the working stack that it needs.
    pub(super) ws_min: u32,
    /// By how many words more it may start.
    pub(super) ws_span: u32,
    /// Frames on the call stack at which it has room for its own.
    pub(super) cs_max: u32,
    pub(super) ops: [Op; OPS],
    /// The addresses of the operations.
    pub(super) at: [u32; OPS],
}

impl Block {
    const NONE: Block = Block {
        ep: 0,
        version: 0,
        count: 0,
        ws_min: 0,
        ws_span: 0,
        cs_max: 0,
        ops: [Op::NONE; OPS],
        at: [0; OPS],
    };
}

/// The blocks. Their number is fixed; a new one takes the place of another.
#[derive(Debug)]
pub(crate) struct Blocks {
    /// A power of two of them, or none.
    blocks: Box<[Block]>,
    /// What may be spent on building: grows by one at each visit to an address without a block.
    credit: u32,
}

/// How many blocks are kept for a wish.
pub(crate) const fn block_count(wish: u32) -> u32 {
    match wish {
        0 => 0,
        1..=MAX_BLOCKS => wish.next_power_of_two(),
        _ => MAX_BLOCKS,
    }
}

const MAX_BLOCKS: u32 = 1 << 16;

impl Blocks {
    /// Bytes that so many blocks take.
    pub(crate) const fn bytes(wish: u32) -> usize {
        block_count(wish) as usize * size_of::<Block>()
    }

    pub(crate) fn new(wish: u32) -> Self {
        let count = block_count(wish);
        Self {
            blocks: vec![Block::NONE; count as usize].into_boxed_slice(),
            credit: count * COST,
        }
    }

    #[inline(always)]
    fn place(&self, ep: u32) -> usize {
        ep as usize & self.blocks.len().wrapping_sub(1)
    }

    /// The block at an address, if it has one that was decoded from this version of the code.
    #[inline(always)]
    pub(super) fn find(&self, ep: u32, version: u64) -> Option<&Block> {
        let block = self.blocks.get(self.place(ep))?;
        (block.ep == ep && block.version == version).then_some(block)
    }

    /// Builds the block at the machine's `ep`, if that is worth its while. Says whether there is
    /// one now.
    #[inline(never)]
    pub(super) fn miss(&mut self, machine: &mut Machine<'_>) -> bool {
        let limit = self.blocks.len() as u32 * COST;
        self.credit = (self.credit + 1).min(limit);
        if self.credit < COST {
            return false;
        }
        let place = self.place(machine.registers.ep);
        let Some(block) = self.blocks.get_mut(place) else {
            return false;
        };
        self.credit -= COST;
        build(block, machine)
    }
}
