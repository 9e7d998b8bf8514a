//! Catching and panicking: a bit in the frame's byte is the whole mechanism.
//!
//! A catch is a small call whose frame carries [`CATCH`]. A panic looks for the newest such frame,
//! leaves the depth at which it happened on an otherwise empty working stack, and returns from
//! that frame. `err` and the locals stack are the caller's business.

use crate::error::ErrorCode;
use crate::machine::{CATCH, Machine};

/// What became of a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Panic {
    /// The fiber goes on after the catch.
    Caught,
    /// The fiber is over; its stacks are as they were.
    Uncaught,
}

/// Panics with `code`. Linear in the depth of the stacks.
#[inline(never)]
pub(crate) fn panic(machine: &mut Machine<'_>, code: ErrorCode) -> Panic {
    copy_working_stack(machine);
    machine.last_panic.code = code.get();
    let registers = &mut machine.registers;
    let depth = registers.cs_depth;
    let frames = &machine.csz[..depth as usize];
    let Some(frame) = frames.iter().rposition(|byte| byte & CATCH != 0) else {
        return Panic::Uncaught;
    };
    registers.ws_depth = 1;
    registers.top = depth;
    registers.ep = machine.cs[frame];
    // Returning from a catch frame pops no locals.
    registers.cs_depth = frame as u32;
    Panic::Caught
}

/// Keeps what the host may want to look at after the working stack is cleared.
fn copy_working_stack(machine: &mut Machine<'_>) {
    let depth = machine.registers.ws_depth as usize;
    machine.last_panic.words = depth as u16;
    if let Some(below) = depth.checked_sub(1) {
        let copy = &mut machine.cs[machine.csz.len()..];
        copy[..below].copy_from_slice(&machine.ws[1..depth]);
        copy[below] = machine.registers.top;
    }
}
