//! The interpreter: what one instruction does, and the loop around it.

use crate::block::{self, Blocks, Next};
use crate::catch::{self, Panic};
use crate::control::{Leave, Step, Until};
use crate::device;
use crate::effect::*;
use crate::error::ErrorCode;
use crate::fiber::FiberId;
use crate::machine::Machine;
use crate::op::opcode::*;
use crate::op::{REGISTER_EP, REGISTER_GB, REGISTER_LS};
use crate::trace::Trace;

/// Executes instructions from `ep` on, each for one unit of fuel: in blocks, but for where they
/// hand over.
#[inline(always)]
pub(crate) fn execute_loop<T: Trace>(
    machine: &mut Machine<'_>,
    blocks: &mut Blocks,
    fiber: FiberId,
    fuel: &mut u64,
    trace: &mut T,
) -> Leave {
    let mut left = *fuel;
    let leave = loop {
        let until = if T::ENABLED {
            Until::Left
        } else {
            match block::run(machine, blocks, &mut left) {
                Next::Leave(leave) => break leave,
                Next::Careful(until) => until,
            }
        };
        let mut rest = left;
        let leave = machine.outlined(|machine| careful(machine, fiber, &mut rest, trace, until));
        left = rest;
        if let Some(leave) = leave {
            break leave;
        }
    };
    *fuel = left;
    leave
}

/// The longest instruction, in bytes.
const MAX_INSTRUCTION: u32 = 5;

/// Executes instructions one at a time, each with all its checks. None where it stops because of
/// `until`.
#[inline(never)]
fn careful<T: Trace>(
    machine: &mut Machine<'_>,
    fiber: FiberId,
    fuel: &mut u64,
    trace: &mut T,
    until: Until,
) -> Option<Leave> {
    machine.in_registers(|machine| {
        let mut left = *fuel;
        let mut executed = 0;
        let leave = loop {
            if left == 0 {
                break Some(Leave::OutOfFuel);
            }
            left -= 1;
            if T::ENABLED {
                trace.before(fiber, machine);
            }
            let ep = machine.registers.ep;
            let code = match execute_instr(machine) {
                Ok(Step::Normal) => None,
                Ok(Step::Return) if machine.registers.cs_depth == 0 => break Some(Leave::Done),
                Ok(Step::Return) => machine.ret().err(),
                Ok(Step::Yield) => break Some(Leave::Yielded),
                Ok(Step::Host(number)) => break Some(Leave::Host(number)),
                Err(code) => Some(code),
            };
            if let Some(code) = code
                && machine.outlined(|machine| catch::panic(machine, code)) == Panic::Uncaught
            {
                break Some(Leave::Panicked(code));
            }
            let went = machine.registers.ep.wrapping_sub(ep);
            match until {
                Until::One => break None,
                Until::Transfer(least) => {
                    executed += 1;
                    if went > MAX_INSTRUCTION && executed >= least {
                        break None;
                    }
                }
                Until::Left => {}
            }
        };
        *fuel = left;
        leave
    })
}

/// Executes the instruction at `ep`. At a panic `ep` is past the instruction and its immediate.
#[inline(always)]
pub(crate) fn execute_instr(machine: &mut Machine<'_>) -> Result<Step, ErrorCode> {
    let instruction = machine.memory.instruction(machine.registers.ep)?;
    machine.registers.ep += 1;
    match instruction {
        NOP => {}
        RETZ => {
            if machine.pop()? == 0 {
                return Ok(Step::Return);
            }
        }
        RET => return Ok(Step::Return),
        YLD => return Ok(Step::Yield),

        SWP => {
            let r = machine.pop()?;
            let l = machine.pop()?;
            machine.push(r)?;
            machine.push(l)?;
        }
        DRP => {
            machine.pop()?;
        }
        OVR => {
            let r = machine.pop()?;
            let l = machine.pop()?;
            machine.push(l)?;
            machine.push(r)?;
            machine.push(l)?;
        }
        DUP => {
            let l = machine.pop()?;
            machine.push(l)?;
            machine.push(l)?;
        }
        DUPN => {
            let l = machine.pop()?;
            machine.push(l)?;
            machine.push(u32::from(l == 0))?;
        }

        DV => {
            let [number] = machine.immediate()?;
            return machine.outlined(|machine| device::operate(machine, number));
        }
        RG => {
            let [register] = machine.immediate()?;
            let value = match register {
                REGISTER_LS.. => machine
                    .registers
                    .ls_sp
                    .wrapping_add(u32::from(register - REGISTER_LS)),
                REGISTER_EP => machine.registers.ep,
                REGISTER_GB => machine.registers.gb,
                _ => return Err(ErrorCode::REGISTER),
            };
            machine.push(value)?;
        }
        LR => {
            let [x] = machine.immediate()?;
            machine.push(machine.registers.ls_sp.wrapping_add(u32::from(x)))?;
        }
        GR => {
            let x = u16::from_be_bytes(machine.immediate()?);
            machine.push(machine.registers.gb.wrapping_add(u32::from(x)))?;
        }

        INC => unary(machine, |l| l.wrapping_add(1))?,
        INC2 => unary(machine, |l| l.wrapping_add(2))?,
        INC4 => unary(machine, |l| l.wrapping_add(4))?,
        DEC => unary(machine, |l| l.wrapping_sub(1))?,
        INV => unary(machine, |l| !l)?,
        NEG => unary(machine, u32::wrapping_neg)?,
        NOT => unary(machine, |l| u32::from(l == 0))?,
        CI1 => unary(machine, |l| l as i8 as u32)?,
        CI2 => unary(machine, |l| l as i16 as u32)?,

        ADD => binary(machine, u32::wrapping_add)?,
        SUB => binary(machine, u32::wrapping_sub)?,
        MOD => divide(machine, |l, r| l % r)?,
        SHL => binary(machine, |l, r| l.checked_shl(r).unwrap_or(0))?,
        SHR => binary(machine, |l, r| l.checked_shr(r).unwrap_or(0))?,
        MSK => binary(machine, |l, r| l & r)?,
        JN => binary(machine, |l, r| l | r)?,
        XOR => binary(machine, |l, r| l ^ r)?,
        AND => binary(machine, |l, r| u32::from(l != 0 && r != 0))?,
        OR => binary(machine, |l, r| u32::from(l != 0 || r != 0))?,
        EQ => binary(machine, |l, r| u32::from(l == r))?,
        NEQ => binary(machine, |l, r| u32::from(l != r))?,
        GE_U => binary(machine, |l, r| u32::from(l >= r))?,
        LT_U => binary(machine, |l, r| u32::from(l < r))?,
        GE_S => binary(machine, |l, r| u32::from(l as i32 >= r as i32))?,
        LT_S => binary(machine, |l, r| u32::from((l as i32) < r as i32))?,
        MUL => binary(machine, u32::wrapping_mul)?,
        DIV_U => divide(machine, |l, r| l / r)?,
        DIV_S => divide(machine, |l, r| (l as i32).wrapping_div(r as i32) as u32)?,

        FT_1 => fetch::<1>(machine, from_le)?,
        FT_2 => fetch::<2>(machine, from_le)?,
        FT_4 => fetch::<4>(machine, from_le)?,
        FTBE_1 => fetch::<1>(machine, from_be)?,
        FTBE_2 => fetch::<2>(machine, from_be)?,
        FTBE_4 => fetch::<4>(machine, from_be)?,
        FTO_1 => fetch_offset::<1>(machine)?,
        FTO_2 => fetch_offset::<2>(machine)?,
        FTO_4 => fetch_offset::<4>(machine)?,
        FTLL_1 => fetch_local::<1>(machine)?,
        FTLL_2 => fetch_local::<2>(machine)?,
        FTLL_4 => fetch_local::<4>(machine)?,
        FTGL_1 => fetch_global::<1>(machine)?,
        FTGL_2 => fetch_global::<2>(machine)?,
        FTGL_4 => fetch_global::<4>(machine)?,
        SR_1 => store::<1>(machine, to_le)?,
        SR_2 => store::<2>(machine, to_le)?,
        SR_4 => store::<4>(machine, to_le)?,
        SRBE_1 => store::<1>(machine, to_be)?,
        SRBE_2 => store::<2>(machine, to_be)?,
        SRBE_4 => store::<4>(machine, to_be)?,
        SRO_1 => store_offset::<1>(machine)?,
        SRO_2 => store_offset::<2>(machine)?,
        SRO_4 => store_offset::<4>(machine)?,
        SRLL_1 => store_local::<1>(machine)?,
        SRLL_2 => store_local::<2>(machine)?,
        SRLL_4 => store_local::<4>(machine)?,
        SRGL_1 => store_global::<1>(machine)?,
        SRGL_2 => store_global::<2>(machine)?,
        SRGL_4 => store_global::<4>(machine)?,
        LIT_1 => literal::<1>(machine)?,
        LIT_2 => literal::<2>(machine)?,
        LIT_4 => literal::<4>(machine)?,

        JMPW => machine.registers.ep = machine.pop()?,
        XSW => {
            let address = machine.pop()?;
            machine.call_small(address)?;
        }
        XLW => {
            let address = machine.pop()?;
            machine.call_large(address)?;
        }
        JMPL_1 => machine.registers.ep = target_1(machine)?,
        JMPL_2 => machine.registers.ep = target_2(machine)?,
        JMPL_4 => machine.registers.ep = target_4(machine)?,
        JZL_1 => jump_if_zero(machine, target_1)?,
        JZL_2 => jump_if_zero(machine, target_2)?,
        JZL_4 => jump_if_zero(machine, target_4)?,
        XLL_1 => call_large(machine, target_1)?,
        XLL_2 => call_large(machine, target_2)?,
        XLL_4 => call_large(machine, target_4)?,
        XSL_1 => call_small(machine, target_1)?,
        XSL_2 => call_small(machine, target_2)?,
        XSL_4 => call_small(machine, target_4)?,
        SLC_1 => inline_data::<1>(machine)?,
        SLC_2 => inline_data::<2>(machine)?,
        SLC_4 => inline_data::<4>(machine)?,

        SLIT.. => machine.push(u32::from(instruction - SLIT))?,
        _ => return Err(no_instruction(machine)),
    }
    Ok(Step::Normal)
}

/// A byte that is no instruction, or the byte at null.
#[inline(always)]
fn no_instruction(machine: &mut Machine<'_>) -> ErrorCode {
    if machine.registers.ep == 1 {
        machine.registers.ep = 0;
        ErrorCode::NULL
    } else {
        ErrorCode::INSTRUCTION
    }
}
