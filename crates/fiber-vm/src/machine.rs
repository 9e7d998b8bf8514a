//! One fiber while it runs: its registers in locals, its stacks and the memory borrowed.
//!
//! The interpreter keeps a `Machine` in one function's locals so that the registers below live in
//! the processor's registers. That holds only as long as no reference to the machine reaches a
//! function that is not inlined: cold code goes through [`Machine::outlined`].

use crate::error::{ErrorCode, rare};
use crate::memory::Memory;

/// Bit 7 of a frame's byte on CSZ: the frame belongs to a catch.
pub(crate) const CATCH: u8 = 0x80;

/// The most bytes of locals that a large function may have.
pub(crate) const MAX_LOCALS: u8 = 252;

/// What a fiber keeps of its run while others run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Registers {
    /// The address of the next instruction.
    pub(crate) ep: u32,
    /// The top of the working stack, meaningless while that is empty.
    pub(crate) top: u32,
    /// The lowest address in use on the locals stack.
    pub(crate) ls_sp: u32,
    /// Where globals are addressed from.
    pub(crate) gb: u32,
    /// Words on the working stack, `top` included.
    pub(crate) ws_depth: u32,
    /// Frames on the call stack.
    pub(crate) cs_depth: u32,
}

/// What a fiber keeps of its newest panic. Apart from the registers, which every turn of a fiber
/// copies.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LastPanic {
    /// Its code, `err`; 0 for none.
    pub(crate) code: u16,
    /// The depth of the working stack at the panic: so many words of its copy are valid.
    pub(crate) words: u16,
}

/// A fiber's registers with everything that its instructions can touch.
#[derive(Debug)]
pub(crate) struct Machine<'a> {
    pub(crate) registers: Registers,
    pub(crate) last_panic: &'a mut LastPanic,
    pub(crate) memory: Memory<'a>,
    /// All words of the working stack but the top: the word below the top is at `ws_depth - 1`.
    /// Slot 0 takes the meaningless top when the first word is pushed.
    pub(crate) ws: &'a mut [u32],
    /// Return addresses, oldest first; and after room for as many as `csz` has bytes, the working
    /// stack as it was at the newest panic. One slice, because a slice more costs every turn.
    pub(crate) cs: &'a mut [u32],
    /// One byte a frame: the catch bit, and the words of locals. Its length is the most frames.
    pub(crate) csz: &'a mut [u8],
    /// The lowest address of the locals stack.
    pub(crate) ls_limit: u32,
    /// The address after the locals stack.
    pub(crate) ls_base: u32,
}

impl Machine<'_> {
    /// Runs `f`, which is not to be inlined, on a copy, so that `self` can stay in registers.
    #[inline(always)]
    pub(crate) fn outlined<R>(&mut self, f: impl FnOnce(&mut Machine<'_>) -> R) -> R {
        self.in_registers(f)
    }

    /// Runs `f`, which is to be inlined, on a copy, so that the copy can stay in registers.
    #[inline(always)]
    pub(crate) fn in_registers<R>(&mut self, f: impl FnOnce(&mut Machine<'_>) -> R) -> R {
        let mut copy = Machine {
            registers: self.registers,
            last_panic: self.last_panic,
            memory: self.memory.reborrow(),
            ws: self.ws,
            cs: self.cs,
            csz: self.csz,
            ls_limit: self.ls_limit,
            ls_base: self.ls_base,
        };
        let result = f(&mut copy);
        self.registers = copy.registers;
        result
    }

    /// Pushes on the working stack.
    #[inline(always)]
    pub(crate) fn push(&mut self, value: u32) -> Result<(), ErrorCode> {
        let slot = self
            .ws
            .get_mut(self.registers.ws_depth as usize)
            .ok_or_else(|| rare(ErrorCode::STACK_OVERFLOW))?;
        *slot = self.registers.top;
        self.registers.top = value;
        self.registers.ws_depth += 1;
        Ok(())
    }

    /// Pops from the working stack. Depth 0 wraps to an index that no stack has.
    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Result<u32, ErrorCode> {
        let depth = self.registers.ws_depth.wrapping_sub(1);
        let below = *self
            .ws
            .get(depth as usize)
            .ok_or_else(|| rare(ErrorCode::STACK_UNDERFLOW))?;
        let value = self.registers.top;
        self.registers.top = below;
        self.registers.ws_depth = depth;
        Ok(value)
    }

    /// Takes the next `N` bytes of the instruction. Where memory ends before them, `ep` stays on
    /// the first.
    #[inline(always)]
    pub(crate) fn immediate<const N: usize>(&mut self) -> Result<[u8; N], ErrorCode> {
        let bytes = self.memory.immediate(self.registers.ep)?;
        // Cannot pass u32::MAX: the bytes are in memory.
        self.registers.ep += N as u32;
        Ok(bytes)
    }

    /// Pushes a frame and goes on at `address`.
    #[inline(always)]
    fn enter(&mut self, frame: u8, address: u32) -> Result<(), ErrorCode> {
        let depth = self.registers.cs_depth as usize;
        match (self.cs.get_mut(depth), self.csz.get_mut(depth)) {
            (Some(return_address), Some(size)) => {
                *return_address = self.registers.ep;
                *size = frame;
            }
            _ => return Err(rare(ErrorCode::STACK_OVERFLOW)),
        }
        self.registers.cs_depth += 1;
        self.registers.ep = address;
        Ok(())
    }

    /// Calls a function without locals.
    #[inline(always)]
    pub(crate) fn call_small(&mut self, address: u32) -> Result<(), ErrorCode> {
        self.enter(0, address)
    }

    /// Calls a function whose panics end at this frame.
    #[inline(always)]
    pub(crate) fn call_catch(&mut self, address: u32) -> Result<(), ErrorCode> {
        self.enter(CATCH, address)
    }

    /// Calls a function whose first byte says how many bytes of locals it has.
    #[inline(always)]
    pub(crate) fn call_large(&mut self, address: u32) -> Result<(), ErrorCode> {
        let [locals] = self.memory.load(address)?;
        if locals > MAX_LOCALS {
            return Err(ErrorCode::LOCALS_SIZE);
        }
        if locals % 4 != 0 {
            return Err(ErrorCode::ALIGN4);
        }
        if u32::from(locals) > self.registers.ls_sp - self.ls_limit {
            return Err(rare(ErrorCode::STACK_OVERFLOW));
        }
        // The header is in memory, so the address after it fits.
        self.enter(locals / 4, address + 1)?;
        self.registers.ls_sp -= u32::from(locals);
        Ok(())
    }

    /// Returns from the newest frame. A panic in here has popped the frame already.
    #[inline(always)]
    pub(crate) fn ret(&mut self) -> Result<(), ErrorCode> {
        let depth = self.registers.cs_depth.wrapping_sub(1);
        let (Some(&return_address), Some(&frame)) =
            (self.cs.get(depth as usize), self.csz.get(depth as usize))
        else {
            return Err(rare(ErrorCode::STACK_UNDERFLOW));
        };
        self.registers.cs_depth = depth;
        let locals = if frame & CATCH != 0 {
            0
        } else {
            u32::from(frame) * 4
        };
        if locals > self.ls_base - self.registers.ls_sp {
            return Err(rare(ErrorCode::STACK_UNDERFLOW));
        }
        self.registers.ls_sp += locals;
        self.registers.ep = return_address;
        Ok(())
    }

    /// The words of the working stack, oldest first.
    pub(crate) fn working_stack(&self) -> WorkingStack<'_> {
        WorkingStack::new(self.ws, &self.registers)
    }
}

/// The words of a working stack, oldest first.
#[derive(Clone, Debug)]
pub struct WorkingStack<'a>(
    core::iter::Chain<core::iter::Copied<core::slice::Iter<'a, u32>>, core::option::IntoIter<u32>>,
);

impl<'a> WorkingStack<'a> {
    pub(crate) fn new(ws: &'a [u32], registers: &Registers) -> Self {
        let (below, top) = match registers.ws_depth as usize {
            0 => (&[][..], None),
            depth => (&ws[1..depth], Some(registers.top)),
        };
        Self(below.iter().copied().chain(top))
    }
}

impl Iterator for WorkingStack<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for WorkingStack<'_> {
    fn next_back(&mut self) -> Option<u32> {
        self.0.next_back()
    }
}

// Both halves of the chain know their length, and a fiber's is at most 65,535.
impl ExactSizeIterator for WorkingStack<'_> {}
