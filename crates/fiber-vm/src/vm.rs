//! A machine: memory, fibers and host functions, seen from the embedder.

use core::fmt;

use crate::config::Config;
use crate::core_vm::Core;
use crate::error::{ConfigError, ErrorCode, FiberError, HostNumberError};
use crate::fiber::{FiberId, FiberRef, State, Status};
use crate::host::{HostCall, HostFunction, HostResult};
use crate::op::device::{HOST_FIRST, HOST_LAST};

/// The host functions' numbers.
const HOST_NUMBERS: usize = (HOST_LAST - HOST_FIRST) as usize + 1;

/// A machine with its fibers.
///
/// All memory is taken by [`Vm::new`] (and by [`Vm::register`], for the function); running takes
/// none. Host functions may borrow for `'h`.
pub struct Vm<'h> {
    pub(crate) core: Core,
    pub(crate) hosts: [Option<HostFunction<'h>>; HOST_NUMBERS],
}

impl<'h> Vm<'h> {
    /// Makes a machine whose memory is all zeroes and which has no fibers yet.
    ///
    /// # Errors
    /// Sizes that cannot work, or that the host has no memory for: it is asked for all of it in one
    /// piece, before anything is made. Should another thread take that in the moment between, the
    /// process ends, as it does when a collection has no memory.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        Ok(Self {
            core: Core::new(&config)?,
            hosts: [const { None }; HOST_NUMBERS],
        })
    }

    /// Makes `function` the device operation of that number, 40 to 7F (hexadecimal), in place of
    /// any before.
    ///
    /// ```
    /// use fiber_vm::{Config, HostFlow, Vm};
    ///
    /// let mut printed = Vec::new();
    /// let mut vm = Vm::new(Config::default())?;
    /// vm.register(0x40, |call| {
    ///     printed.push(call.pop()?);
    ///     Ok(HostFlow::Continue)
    /// })?;
    /// vm.write(0x2000, &[0xC7, 0x09, 0x40, 0x02])?; // SLIT 7, DV 40, RET
    /// vm.spawn(0x2000)?;
    /// vm.run();
    /// drop(vm);
    /// assert_eq!(printed, [7]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Any other number.
    pub fn register(
        &mut self,
        number: u8,
        function: impl FnMut(&mut HostCall<'_>) -> HostResult + 'h,
    ) -> Result<(), HostNumberError> {
        if !(HOST_FIRST..=HOST_LAST).contains(&number) {
            return Err(HostNumberError(number));
        }
        self.hosts[usize::from(number - HOST_FIRST)] = Some(alloc::boxed::Box::new(function));
        Ok(())
    }

    /// The size of the memory in bytes, the fibers' locals stacks included.
    pub fn memory_len(&self) -> u32 {
        // `Config::check` bounds it.
        self.core.memory.len() as u32
    }

    /// The address where program memory ends and the fibers' locals stacks begin.
    pub fn locals_start(&self) -> u32 {
        self.core.fibers.ls_start
    }

    /// `len` bytes of memory at `address`, by the rules that instructions obey. Length 0 touches
    /// nothing and is right at any address.
    ///
    /// # Errors
    /// [`ErrorCode::NULL`] at address 0; [`ErrorCode::OUT_OF_BOUNDS`] where memory ends before.
    pub fn read(&self, address: u32, len: u32) -> Result<&[u8], ErrorCode> {
        self.core.read(address, len)
    }

    /// Writes `bytes` to memory at `address`, all or nothing, by the rules of [`Vm::read`].
    ///
    /// # Errors
    /// As [`Vm::read`].
    pub fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), ErrorCode> {
        self.core.write(address, bytes)
    }

    /// Takes a free fiber that will start at `ep`, with empty stacks, `err` and `gb` 0. It is not
    /// on the list yet. Constant time, no allocation. The bytes of its locals stack are whatever
    /// the memory holds there.
    ///
    /// # Errors
    /// [`FiberError::NoneFree`] where all places are in use or retired (see [`Vm::free`]).
    pub fn create(&mut self, ep: u32) -> Result<FiberId, FiberError> {
        let index = self.core.fibers.create(ep)?;
        Ok(self.core.fibers.id(index))
    }

    /// [`Vm::create`] and [`Vm::add`] in one.
    ///
    /// # Errors
    /// [`FiberError::NoneFree`].
    pub fn spawn(&mut self, ep: u32) -> Result<FiberId, FiberError> {
        let id = self.create(ep)?;
        self.add(id)?;
        Ok(id)
    }

    /// Puts a fiber at the end of the list; it goes on at its `ep`, with the stacks it has.
    ///
    /// # Errors
    /// [`FiberError::Listed`] where it is on the list, [`FiberError::Unknown`].
    pub fn add(&mut self, id: FiberId) -> Result<(), FiberError> {
        self.core.add(id)
    }

    /// Takes a fiber off the list; it does not run again until it is added again. Says whether it
    /// was on the list.
    ///
    /// # Errors
    /// [`FiberError::Unknown`].
    pub fn remove(&mut self, id: FiberId) -> Result<bool, FiberError> {
        self.core.remove(id)
    }

    /// Gives a fiber's place back. The id is dead from here on.
    ///
    /// A place is used for 2^32 fibers. The last of them retires it, so that no id is ever given
    /// out twice: its memory stays with the machine, unused, and the machine has room for one
    /// fiber less.
    ///
    /// # Errors
    /// [`FiberError::Listed`] where it is on the list, [`FiberError::Unknown`].
    pub fn free(&mut self, id: FiberId) -> Result<(), FiberError> {
        let index = self.core.fibers.find(id)?;
        if self.core.fibers.heads[index as usize].state == State::Ready {
            return Err(FiberError::Listed);
        }
        self.core.fibers.free(index);
        Ok(())
    }

    /// A look at a fiber.
    ///
    /// # Errors
    /// [`FiberError::Unknown`].
    pub fn fiber(&self, id: FiberId) -> Result<FiberRef<'_>, FiberError> {
        Ok(self.core.fibers.view(self.core.fibers.find(id)?))
    }

    /// Where a fiber is in its life.
    ///
    /// # Errors
    /// [`FiberError::Unknown`].
    pub fn status(&self, id: FiberId) -> Result<Status, FiberError> {
        Ok(self.fiber(id)?.status())
    }

    /// All fibers that have not been freed, by place.
    pub fn fibers(&self) -> impl Iterator<Item = FiberRef<'_>> {
        self.core
            .fibers
            .ids()
            .map(|id| self.core.fibers.view(id.index))
    }

    /// The fibers on the list, in the order of their turns.
    pub fn listed(&self) -> impl Iterator<Item = FiberId> {
        self.core
            .list
            .iter(&self.core.fibers)
            .map(|index| self.core.fibers.id(index))
    }

    /// Pushes a word on the working stack of a fiber at rest: a value into a yield.
    ///
    /// # Errors
    /// [`FiberError::StackFull`], [`FiberError::Unknown`].
    pub fn push(&mut self, id: FiberId, value: u32) -> Result<(), FiberError> {
        let index = self.core.fibers.find(id)?;
        let pushed = self.core.with_machine(index, |machine| machine.push(value));
        pushed.map_err(|_| FiberError::StackFull)
    }

    /// Pops a word from the working stack of a fiber at rest: a value out of a yield. None where
    /// the stack is empty.
    ///
    /// # Errors
    /// [`FiberError::Unknown`].
    pub fn pop(&mut self, id: FiberId) -> Result<Option<u32>, FiberError> {
        let index = self.core.fibers.find(id)?;
        Ok(self.core.with_machine(index, |machine| machine.pop()).ok())
    }

    /// Sets where a fiber goes on. Any address will do: one that is no code panics the fiber.
    ///
    /// # Errors
    /// [`FiberError::Unknown`].
    pub fn set_ep(&mut self, id: FiberId, ep: u32) -> Result<(), FiberError> {
        let index = self.core.fibers.find(id)?;
        self.core.fibers.heads[index as usize].registers.ep = ep;
        Ok(())
    }

    /// Sets the address that a fiber's globals are counted from.
    ///
    /// # Errors
    /// [`FiberError::Unknown`].
    pub fn set_gb(&mut self, id: FiberId, gb: u32) -> Result<(), FiberError> {
        let index = self.core.fibers.find(id)?;
        self.core.fibers.heads[index as usize].registers.gb = gb;
        Ok(())
    }
}

impl fmt::Debug for Vm<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vm")
            .field("memory_len", &self.memory_len())
            .finish_non_exhaustive()
    }
}
