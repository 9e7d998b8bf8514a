//! An assembled program: what to write where, which fibers to start, and what it was in the source.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::error::{ErrorCode, FiberError};
use crate::fiber::FiberId;
use crate::vm::Vm;

/// Where a program starts in memory unless `.org` says otherwise.
pub const DEFAULT_ORIGIN: u32 = 0x2000;

/// An assembled program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Runs of bytes, in the order of their addresses, none empty, none touching another.
    pub segments: Vec<Segment>,
    /// The fibers that it asks for, in order.
    pub fibers: Vec<Start>,
    /// Labels and constants by name.
    pub names: BTreeMap<String, u32>,
    pub(super) labels: BTreeMap<u32, String>,
    pub(super) lines: BTreeMap<u32, Line>,
    pub(super) errors: BTreeMap<u16, String>,
}

/// A run of bytes of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where it goes.
    pub address: u32,
    /// What goes there.
    pub bytes: Vec<u8>,
}

/// A fiber that a program asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// Where it starts.
    pub ep: u32,
    /// Its globals base.
    pub gb: u32,
    /// The words on its working stack, oldest first.
    pub words: Vec<u32>,
}

/// The bytes that came out of a line, and the line, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) len: u32,
    pub(super) number: u32,
}

impl Program {
    /// Writes the program into a machine, creates its fibers and adds them to the list.
    ///
    /// # Errors
    /// Memory, fibers or a working stack too small. The bytes that fit have been written, and the
    /// fibers before the refused one have been created.
    pub fn load(&self, vm: &mut Vm<'_>) -> Result<Vec<FiberId>, LoadError> {
        for Segment { address, bytes } in &self.segments {
            let refused = |code| LoadError::Memory {
                address: *address,
                code,
            };
            // Not into the locals stacks, though they are memory like any other.
            if u64::from(*address) + bytes.len() as u64 > u64::from(vm.locals_start()) {
                return Err(refused(ErrorCode::OUT_OF_BOUNDS));
            }
            vm.write(*address, bytes).map_err(refused)?;
        }
        let mut ids = Vec::with_capacity(self.fibers.len());
        for start in &self.fibers {
            let id = vm.create(start.ep).map_err(LoadError::Fiber)?;
            let words = start.words.iter();
            vm.set_gb(id, start.gb)
                .and_then(|()| words.copied().try_for_each(|word| vm.push(id, word)))
                .and_then(|()| vm.add(id))
                .map_err(LoadError::Fiber)?;
            ids.push(id);
        }
        Ok(ids)
    }

    /// The line that the byte at `address` came from, from 1.
    pub fn line(&self, address: u32) -> Option<u32> {
        let (&start, line) = self.lines.range(..=address).next_back()?;
        (address - start < line.len).then_some(line.number)
    }

    /// The newest label at or before `address` in the same segment, and the distance from it.
    pub fn label(&self, address: u32) -> Option<(&str, u32)> {
        let segment = self.segments.iter().find(|segment| {
            address >= segment.address && address - segment.address <= segment.bytes.len() as u32
        })?;
        let (&start, name) = self.labels.range(segment.address..=address).next_back()?;
        Some((name, address - start))
    }

    /// The name that the program or the machine gives to an error code.
    pub fn error_name(&self, code: ErrorCode) -> Option<&str> {
        code.name()
            .or_else(|| self.errors.get(&code.get()).map(String::as_str))
    }
}

/// Why a program could not be loaded.
///
/// Exhaustive: a program is segments and fibers, and either may not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// Program memory ends before the segment at that address does, or the address is null.
    Memory {
        /// Where the segment starts.
        address: u32,
        /// What writing it gave.
        code: ErrorCode,
    },
    /// There are too few fibers, or their working stacks are too small.
    Fiber(FiberError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Memory { address, code } => {
                write!(
                    f,
                    "the program does not fit into memory at {address:X}: {code}"
                )
            }
            LoadError::Fiber(error) => write!(f, "the program's fibers do not fit: {error}"),
        }
    }
}

impl core::error::Error for LoadError {}
