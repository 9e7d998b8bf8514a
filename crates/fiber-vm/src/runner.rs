//! Running: one instruction, one fiber, or all of them in turn.

use crate::catch::{self, Panic};

use crate::control::{Leave, Step};
use crate::error::{ErrorCode, FiberError};
use crate::execute::execute_instr;
use crate::fiber::{FiberId, State};
use crate::host::{HostCall, HostFlow};
use crate::op::device::HOST_FIRST;
use crate::trace::{NoTrace, Trace, TracePoint, Watch};
use crate::vm::Vm;

/// What one instruction asks for; see [`Vm::execute_instr`].
///
/// Exhaustive: the instruction set is fixed, and these are what its instructions ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Executed {
    /// To go on at `ep`.
    Normal,
    /// To return from the function: nothing has been popped yet but `RETZ`'s operand.
    Return,
    /// To let another fiber run.
    Yield,
}

/// Why one fiber stopped; see [`Vm::execute_loop`].
///
/// Exhaustive: a loop that runs fibers must do something about each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// It returned from its last function.
    Done,
    /// It yielded.
    Yielded,
    /// It panicked, and nothing caught it.
    Panicked(ErrorCode),
    /// The fuel is used up. It goes on where it stopped.
    OutOfFuel,
}

/// What happened next in a round-robin run; see [`Vm::run_to_event`].
///
/// Exhaustive: a host must do something about each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A fiber returned from its last function and left the list.
    Done(FiberId),
    /// A fiber panicked, nothing caught it, and it left the list.
    Panicked(FiberId, ErrorCode),
    /// The fuel is used up. The next run goes on in the middle of the same turn.
    OutOfFuel,
    /// The list is empty.
    Idle,
}

/// What a round-robin run did; see [`Vm::run`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Fibers that returned from their last function.
    pub done: u64,
    /// Fibers that panicked with nothing to catch it.
    pub panicked: u64,
    /// The first of those.
    pub first_panic: Option<(FiberId, ErrorCode)>,
    /// Instructions executed, the one that panics or yields included.
    pub executed: u64,
    /// Whether the list is empty now; otherwise the fuel was used up first.
    pub idle: bool,
}

impl Vm<'_> {
    /// Executes the instruction at a fiber's `ep` and says what it asks for, without doing it: a
    /// return changes no stack, a panic is not caught and leaves `err` alone.
    ///
    /// The loop under [`Vm::execute_loop`] and [`Vm::run`]; of use to debuggers and tests.
    ///
    /// # Errors
    /// [`FiberError::Unknown`]. The inner result is the panic's code.
    pub fn execute_instr(
        &mut self,
        id: FiberId,
    ) -> Result<Result<Executed, ErrorCode>, FiberError> {
        let index = self.core.fibers.find(id)?;
        let step = self.core.with_machine(index, execute_instr);
        Ok(match step {
            Ok(Step::Normal) => Ok(Executed::Normal),
            Ok(Step::Return) => Ok(Executed::Return),
            Ok(Step::Yield) => Ok(Executed::Yield),
            Ok(Step::Host(number)) => self.call_host(index, number).map(|flow| match flow {
                HostFlow::Continue => Executed::Normal,
                HostFlow::Yield | HostFlow::Again => Executed::Yield,
            }),
            Err(code) => Err(code),
        })
    }

    /// Runs one fiber from its `ep` until it yields, ends or panics; it need not be on the list.
    ///
    /// # Errors
    /// [`FiberError::Unknown`].
    pub fn execute_loop(&mut self, id: FiberId) -> Result<Exit, FiberError> {
        loop {
            match self.execute_loop_for(id, &mut { u64::MAX })? {
                Exit::OutOfFuel => {}
                exit => return Ok(exit),
            }
        }
    }

    /// [`Vm::execute_loop`] for at most `fuel` instructions; what is left of them stays in `fuel`.
    ///
    /// # Errors
    /// [`FiberError::Unknown`].
    pub fn execute_loop_for(&mut self, id: FiberId, fuel: &mut u64) -> Result<Exit, FiberError> {
        let index = self.core.fibers.find(id)?;
        loop {
            let leave = self.core.execute(index, fuel, &mut NoTrace);
            if let Some(exit) = self.exit(index, leave) {
                match exit {
                    Exit::Done => self.core.end(index, State::Done),
                    Exit::Panicked(_) => self.core.end(index, State::Panicked),
                    Exit::Yielded | Exit::OutOfFuel => {}
                }
                return Ok(exit);
            }
        }
    }

    /// Runs the fibers on the list in turn until the list is empty. A fiber's turn ends where it
    /// yields. A panic that nothing catches ends its own fiber and no other.
    pub fn run(&mut self) -> Summary {
        let mut summary = Summary::default();
        while !summary.idle {
            self.summarize(u64::MAX, &mut NoTrace, &mut summary);
        }
        summary
    }

    /// [`Vm::run`] for at most `fuel` instructions. Nothing is lost: the next run goes on with the
    /// next instruction of the same fiber's turn.
    pub fn run_for(&mut self, fuel: u64) -> Summary {
        let mut summary = Summary::default();
        self.summarize(fuel, &mut NoTrace, &mut summary);
        summary
    }

    /// [`Vm::run_for`], with `watch` called before each instruction. Several times slower.
    pub fn run_traced(&mut self, fuel: u64, watch: impl FnMut(&TracePoint<'_>)) -> Summary {
        let mut summary = Summary::default();
        self.summarize(fuel, &mut Watch(watch), &mut summary);
        summary
    }

    /// Runs the fibers on the list in turn until one of them leaves it, for at most `fuel`
    /// instructions; what is left of them stays in `fuel`.
    pub fn run_to_event(&mut self, fuel: &mut u64) -> Event {
        self.rounds(fuel, &mut NoTrace)
    }

    /// [`Vm::run_to_event`], with `watch` called before each instruction.
    pub fn run_to_event_traced(
        &mut self,
        fuel: &mut u64,
        watch: impl FnMut(&TracePoint<'_>),
    ) -> Event {
        self.rounds(fuel, &mut Watch(watch))
    }

    fn summarize<T: Trace>(&mut self, fuel: u64, trace: &mut T, summary: &mut Summary) {
        let mut left = fuel;
        loop {
            match self.rounds(&mut left, trace) {
                Event::Done(_) => summary.done += 1,
                Event::Panicked(id, code) => {
                    summary.panicked += 1;
                    summary.first_panic.get_or_insert((id, code));
                }
                Event::OutOfFuel => break,
                Event::Idle => {
                    summary.idle = true;
                    break;
                }
            }
        }
        summary.executed = summary.executed.saturating_add(fuel - left);
    }

    /// Turn after turn, until a fiber leaves the list.
    fn rounds<T: Trace>(&mut self, fuel: &mut u64, trace: &mut T) -> Event {
        while let Some(index) = self.core.list.current() {
            let leave = self.core.execute(index, fuel, trace);
            // By far the most turns end like this.
            if leave == Leave::Yielded {
                self.core.list.advance(&self.core.fibers, index);
            } else if let Some(event) = self.end_of_turn(index, leave) {
                return event;
            }
        }
        Event::Idle
    }

    /// What becomes of a fiber that has left the loop: an event, or the run goes on.
    #[inline(never)]
    fn end_of_turn(&mut self, index: u32, leave: Leave) -> Option<Event> {
        match self.exit(index, leave)? {
            Exit::Yielded => {
                self.core.list.advance(&self.core.fibers, index);
                None
            }
            Exit::OutOfFuel => Some(Event::OutOfFuel),
            Exit::Done => {
                self.core.end(index, State::Done);
                Some(Event::Done(self.core.fibers.id(index)))
            }
            Exit::Panicked(code) => {
                self.core.end(index, State::Panicked);
                Some(Event::Panicked(self.core.fibers.id(index), code))
            }
        }
    }

    /// How a fiber's turn ended; None where it goes on, after a host function.
    fn exit(&mut self, index: u32, leave: Leave) -> Option<Exit> {
        match leave {
            Leave::Yielded => Some(Exit::Yielded),
            Leave::Done => Some(Exit::Done),
            Leave::OutOfFuel => Some(Exit::OutOfFuel),
            Leave::Panicked(code) => Some(Exit::Panicked(code)),
            Leave::Host(number) => self.host_turn(index, number),
        }
    }

    #[inline(never)]
    fn host_turn(&mut self, index: u32, number: u8) -> Option<Exit> {
        match self.call_host(index, number) {
            Ok(HostFlow::Continue) => None,
            Ok(HostFlow::Yield | HostFlow::Again) => Some(Exit::Yielded),
            Err(code) => {
                match self
                    .core
                    .with_machine(index, |machine| catch::panic(machine, code))
                {
                    Panic::Caught => None,
                    Panic::Uncaught => Some(Exit::Panicked(code)),
                }
            }
        }
    }

    /// Calls a host function, and puts `ep` back on the call where it is to be made again.
    fn call_host(&mut self, index: u32, number: u8) -> Result<HostFlow, ErrorCode> {
        let function = self.hosts.get_mut(usize::from(number - HOST_FIRST));
        let Some(Some(function)) = function else {
            return Err(ErrorCode::DEVICE);
        };
        let flow = function(&mut HostCall {
            core: &mut self.core,
            index,
        })?;
        if flow == HostFlow::Again {
            self.core.fibers.heads[index as usize].registers.ep -= CALL_BYTES;
        }
        Ok(flow)
    }
}

/// `DV` and the number.
const CALL_BYTES: u32 = 2;
