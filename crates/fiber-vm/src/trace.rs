//! Watching a run, one instruction at a time.

use crate::fiber::FiberId;
use crate::machine::{Machine, WorkingStack};

/// An instruction that is about to be executed.
#[derive(Debug)]
pub struct TracePoint<'a> {
    /// Whose instruction it is.
    pub fiber: FiberId,
    machine: &'a Machine<'a>,
}

impl TracePoint<'_> {
    /// The instruction's address. It may lie outside memory: then the instruction will panic.
    pub fn ep(&self) -> u32 {
        self.machine.registers.ep
    }

    /// The bytes of memory from the instruction on; none where it lies outside memory.
    pub fn code(&self) -> &[u8] {
        match self.machine.registers.ep {
            0 => &[],
            ep => self.machine.memory.bytes.get(ep as usize..).unwrap_or(&[]),
        }
    }

    /// The working stack, oldest word first.
    pub fn working_stack(&self) -> WorkingStack<'_> {
        self.machine.working_stack()
    }

    /// Frames on the call stack.
    pub fn call_depth(&self) -> usize {
        self.machine.registers.cs_depth as usize
    }

    /// The code of the fiber's newest panic, 0 for none.
    pub fn err(&self) -> u16 {
        self.machine.last_panic.code
    }
}

/// The watcher of a run. A type, so that a run without a watcher carries no trace of one.
pub(crate) trait Trace {
    const ENABLED: bool;
    fn before(&mut self, fiber: FiberId, machine: &Machine<'_>);
}

/// A run without a watcher.
pub(crate) struct NoTrace;

impl Trace for NoTrace {
    const ENABLED: bool = false;
    fn before(&mut self, _: FiberId, _: &Machine<'_>) {}
}

/// A closure as the watcher.
pub(crate) struct Watch<F>(pub(crate) F);

impl<F: FnMut(&TracePoint<'_>)> Trace for Watch<F> {
    const ENABLED: bool = true;
    fn before(&mut self, fiber: FiberId, machine: &Machine<'_>) {
        (self.0)(&TracePoint { fiber, machine });
    }
}
