//! Memory, fibers and the list: all of a machine but its host functions.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use crate::block::Blocks;
use crate::code_map::CodeMap;
use crate::config::Config;
use crate::control::Leave;
use crate::error::{ConfigError, ErrorCode, FiberError};
use crate::execute::execute_loop;
use crate::fiber::{FiberId, Fibers, State};
use crate::list::List;
use crate::machine::Machine;
use crate::memory::{Memory, NULL_BYTE, range};
use crate::trace::Trace;

/// What host functions may touch.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) memory: Box<[u8]>,
    code: CodeMap,
    blocks: Blocks,
    pub(crate) fibers: Fibers,
    pub(crate) list: List,
}

impl Core {
    pub(crate) fn new(config: &Config) -> Result<Self, ConfigError> {
        config.check()?;
        let memory_bytes = config.memory_bytes() as usize;
        let outside = config.fiber_bytes() - u64::from(config.ls_bytes);
        let fiber_bytes = (outside * u64::from(config.fibers)) as usize;
        let decoded = if config.blocks == 0 { 0 } else { config.memory };
        let decoded_bytes = CodeMap::bytes(decoded) + Blocks::bytes(config.blocks);
        // `vec![0; n]` gets zeroed pages that are not in memory yet, but ends the process where there
        // are none. So ask first.
        Vec::<u8>::new()
            .try_reserve_exact(memory_bytes + fiber_bytes + decoded_bytes)
            .map_err(|_| ConfigError::OutOfMemory)?;
        let mut memory = vec![0; memory_bytes].into_boxed_slice();
        memory[0] = NULL_BYTE;
        Ok(Self {
            memory,
            code: CodeMap::new(decoded),
            blocks: Blocks::new(config.blocks),
            fibers: Fibers::new(config),
            list: List::EMPTY,
        })
    }

    pub(crate) fn read(&self, address: u32, len: u32) -> Result<&[u8], ErrorCode> {
        let range = range(self.memory.len(), address, len)?;
        Ok(&self.memory[range])
    }

    pub(crate) fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), ErrorCode> {
        let len = u32::try_from(bytes.len()).map_err(|_| ErrorCode::OUT_OF_BOUNDS)?;
        let range = range(self.memory.len(), address, len)?;
        let mut memory = Memory {
            bytes: &mut self.memory,
            code: &mut self.code,
        };
        memory.range_mut(range).copy_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn add(&mut self, id: FiberId) -> Result<(), FiberError> {
        let index = self.fibers.find(id)?;
        if self.fibers.heads[index as usize].state == State::Ready {
            return Err(FiberError::Listed);
        }
        self.list.append(&mut self.fibers, index);
        Ok(())
    }

    pub(crate) fn remove(&mut self, id: FiberId) -> Result<bool, FiberError> {
        let index = self.fibers.find(id)?;
        let listed = self.fibers.heads[index as usize].state == State::Ready;
        if listed {
            self.list.unlink(&mut self.fibers, index, State::Detached);
        }
        Ok(listed)
    }

    /// Does something to a fiber at rest.
    pub(crate) fn with_machine<R>(
        &mut self,
        index: u32,
        f: impl FnOnce(&mut Machine<'_>) -> R,
    ) -> R {
        let memory = Memory {
            bytes: &mut self.memory,
            code: &mut self.code,
        };
        let mut machine = self.fibers.machine(index, memory);
        let result = f(&mut machine);
        let registers = machine.registers;
        self.fibers.heads[index as usize].registers = registers;
        result
    }

    /// Runs a fiber until it leaves the loop.
    #[inline(always)]
    pub(crate) fn execute<T: Trace>(&mut self, index: u32, fuel: &mut u64, trace: &mut T) -> Leave {
        let id = self.fibers.id(index);
        let memory = Memory {
            bytes: &mut self.memory,
            code: &mut self.code,
        };
        let mut machine = self.fibers.machine(index, memory);
        let leave = execute_loop(&mut machine, &mut self.blocks, id, fuel, trace);
        let registers = machine.registers;
        self.fibers.heads[index as usize].registers = registers;
        leave
    }

    /// Ends a fiber: off the list, where it is on it.
    pub(crate) fn end(&mut self, index: u32, state: State) {
        if self.fibers.heads[index as usize].state == State::Ready {
            self.list.unlink(&mut self.fibers, index, state);
        } else {
            self.fibers.heads[index as usize].state = state;
        }
    }
}
