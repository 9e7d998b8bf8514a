//! Host functions: device operations 40 to 7F, written by the embedder.

use alloc::boxed::Box;

use crate::core_vm::Core;
use crate::error::{ErrorCode, FiberError};
use crate::fiber::{FiberId, FiberRef};

/// What becomes of a fiber after its host function.
///
/// Exhaustive: the machine can do these things with a fiber, and the host's functions choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostFlow {
    /// It goes on.
    Continue,
    /// It yields, and goes on after the call when its turn comes again.
    Yield,
    /// It yields, and makes the same call again when its turn comes again.
    ///
    /// For a function that waits for something. The next call finds the working stack as this one
    /// left it.
    Again,
}

/// What a host function returns: the flow, or a code to panic with.
pub type HostResult = Result<HostFlow, ErrorCode>;

/// A host function.
pub(crate) type HostFunction<'h> = Box<dyn FnMut(&mut HostCall<'_>) -> HostResult + 'h>;

/// What a host function may do while its fiber waits for it.
#[derive(Debug)]
pub struct HostCall<'a> {
    pub(crate) core: &'a mut Core,
    pub(crate) index: u32,
}

impl HostCall<'_> {
    /// The calling fiber.
    pub fn id(&self) -> FiberId {
        self.core.fibers.id(self.index)
    }

    /// A look at the calling fiber. Its `ep` is past the call.
    pub fn fiber(&self) -> FiberRef<'_> {
        self.core.fibers.view(self.index)
    }

    /// Pops a word from the calling fiber's working stack.
    ///
    /// # Errors
    /// [`ErrorCode::STACK_UNDERFLOW`] where there is none.
    pub fn pop(&mut self) -> Result<u32, ErrorCode> {
        self.core.with_machine(self.index, |machine| machine.pop())
    }

    /// Pushes a word on the calling fiber's working stack.
    ///
    /// # Errors
    /// [`ErrorCode::STACK_OVERFLOW`] where there is no room.
    pub fn push(&mut self, value: u32) -> Result<(), ErrorCode> {
        self.core
            .with_machine(self.index, |machine| machine.push(value))
    }

    /// Memory to read, by the rules of [`Vm::read`](crate::Vm::read).
    ///
    /// # Errors
    /// [`ErrorCode::NULL`] and [`ErrorCode::OUT_OF_BOUNDS`].
    pub fn read(&self, address: u32, len: u32) -> Result<&[u8], ErrorCode> {
        self.core.read(address, len)
    }

    /// Memory to write, by the rules of [`Vm::read`](crate::Vm::read).
    ///
    /// # Errors
    /// [`ErrorCode::NULL`] and [`ErrorCode::OUT_OF_BOUNDS`].
    pub fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), ErrorCode> {
        self.core.write(address, bytes)
    }

    /// Creates a fiber that starts at `ep` with globals at `gb` and these words on its working
    /// stack, and adds it to the end of the list.
    ///
    /// # Errors
    /// [`FiberError::NoneFree`], and [`FiberError::StackFull`] where the words do not fit; then
    /// there is no new fiber.
    pub fn spawn(&mut self, ep: u32, gb: u32, words: &[u32]) -> Result<FiberId, FiberError> {
        let index = self.core.fibers.create(ep)?;
        self.core.fibers.heads[index as usize].registers.gb = gb;
        for &word in words {
            if self
                .core
                .with_machine(index, |machine| machine.push(word))
                .is_err()
            {
                self.core.fibers.free(index);
                return Err(FiberError::StackFull);
            }
        }
        self.core.list.append(&mut self.core.fibers, index);
        Ok(self.core.fibers.id(index))
    }

    /// Adds a fiber to the end of the list, as [`Vm::add`](crate::Vm::add) does.
    ///
    /// # Errors
    /// [`FiberError::Running`] for the caller itself, and what `Vm::add` refuses.
    pub fn add(&mut self, id: FiberId) -> Result<(), FiberError> {
        self.other(id)?;
        self.core.add(id)
    }

    /// Takes a fiber off the list, as [`Vm::remove`](crate::Vm::remove) does.
    ///
    /// # Errors
    /// [`FiberError::Running`] for the caller itself, and what `Vm::remove` refuses.
    pub fn remove(&mut self, id: FiberId) -> Result<bool, FiberError> {
        self.other(id)?;
        self.core.remove(id)
    }

    /// A look at any fiber.
    ///
    /// # Errors
    /// [`FiberError::Unknown`] where it has been freed.
    pub fn other_fiber(&self, id: FiberId) -> Result<FiberRef<'_>, FiberError> {
        Ok(self.core.fibers.view(self.core.fibers.find(id)?))
    }

    /// Refuses the caller: it is on the list, but not to be moved under the machine's feet.
    fn other(&self, id: FiberId) -> Result<(), FiberError> {
        if id == self.id() {
            Err(FiberError::Running)
        } else {
            Ok(())
        }
    }
}
