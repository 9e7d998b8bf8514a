//! How large a machine is, decided once.

use crate::block::Blocks;
use crate::code_map::CodeMap;
use crate::error::ConfigError;
use crate::fiber::bytes_outside_memory;

/// The sizes of a machine. All memory is taken when it is made, none while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Bytes of memory for programs and data, from address 0 (null) on; a multiple of 4.
    ///
    /// The fibers' locals stacks follow it in the same address space.
    pub memory: u32,
    /// The most fibers at a time.
    pub fibers: u32,
    /// Words on a working stack, 1 to 65,535.
    pub ws_depth: u32,
    /// Frames on a call stack, 1 to 65,535.
    pub cs_depth: u32,
    /// Bytes of a locals stack, a multiple of 4.
    pub ls_bytes: u32,
    /// How many blocks of decoded code are kept, for all fibers together: rounded up to a power of
    /// two, at most 65,536. Each takes about 450 bytes.
    ///
    /// A block holds up to 64 instructions that run one after another; with enough blocks for the
    /// loops of a program, they run several times faster. With 0, every instruction is decoded
    /// each time it is executed. Nothing but speed depends on it.
    pub blocks: u32,
}

impl Config {
    /// 64 KiB of memory and 16 fibers with stacks of 16 words, 16 frames and 512 bytes; 256 blocks.
    pub const DEFAULT: Config = Config {
        memory: 0x1_0000,
        fibers: 16,
        ws_depth: 16,
        cs_depth: 16,
        ls_bytes: 512,
        blocks: 256,
    };

    /// Bytes that one more fiber takes, everything included. Constant over its life.
    ///
    /// ```
    /// assert!(fiber_vm::Config::default().fiber_bytes() < 1024);
    /// ```
    pub const fn fiber_bytes(&self) -> u64 {
        let outside = bytes_outside_memory(self.ws_depth as usize, self.cs_depth as usize);
        outside as u64 + self.ls_bytes as u64
    }

    /// Bytes of memory with the locals stacks of all fibers.
    pub(crate) const fn memory_bytes(&self) -> u64 {
        self.memory as u64 + self.fibers as u64 * self.ls_bytes as u64
    }

    /// Refuses what cannot work.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=0xFFFF).contains(&self.ws_depth) {
            return Err(ConfigError::WorkingStackDepth(self.ws_depth));
        }
        if !(1..=0xFFFF).contains(&self.cs_depth) {
            return Err(ConfigError::CallStackDepth(self.cs_depth));
        }
        if self.memory == 0 || !self.memory.is_multiple_of(4) {
            return Err(ConfigError::MemorySize(self.memory));
        }
        if !self.ls_bytes.is_multiple_of(4) {
            return Err(ConfigError::LocalsSize(self.ls_bytes));
        }
        // An address past the last byte must fit 32 bits, and u32::MAX means "no fiber".
        if self.memory_bytes() > u64::from(u32::MAX) || self.fibers == u32::MAX {
            return Err(ConfigError::TooLarge);
        }
        let outside = u128::from(self.fibers) * u128::from(self.fiber_bytes());
        let decoded = CodeMap::bytes(self.memory) + Blocks::bytes(self.blocks);
        if outside + u128::from(self.memory) + decoded as u128 > isize::MAX as u128 {
            return Err(ConfigError::TooLarge);
        }
        Ok(())
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}
