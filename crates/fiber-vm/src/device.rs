//! The device operations, `DV`: catch, memory blocks, role calls, asserts, `LS_SP` and `err`.

use crate::control::Step;
use crate::error::ErrorCode;
use crate::machine::Machine;
use crate::memory::offset;
use crate::op::device;

/// Performs operation `number`.
///
/// Operands are popped from right to left, and each check follows the pop that it needs.
#[inline(never)]
pub(crate) fn operate(machine: &mut Machine<'_>, number: u8) -> Result<Step, ErrorCode> {
    match number {
        device::CATCH => {
            let address = machine.pop()?;
            machine.call_catch(address)?;
        }
        device::MEMSET => memset(machine)?,
        device::MEMCMP => memcmp(machine)?,
        device::MEMMOVE => memmove(machine)?,
        device::ROLE => role(machine)?,
        device::ASSERT => assert(machine)?,
        device::LS_SET => ls_set(machine)?,
        device::ERR => machine.push(u32::from(machine.last_panic.code))?,
        device::ERR_SET => machine.last_panic.code = machine.pop()? as u16,
        device::HOST_FIRST..=device::HOST_LAST => return Ok(Step::Host(number)),
        _ => return Err(ErrorCode::DEVICE),
    }
    Ok(Step::Normal)
}

/// `{dst v len}`: fills with the low byte of `v`.
fn memset(machine: &mut Machine<'_>) -> Result<(), ErrorCode> {
    let len = machine.pop()?;
    let value = machine.pop()? as u8;
    let destination = machine.pop()?;
    let range = machine.memory.range(destination, len)?;
    machine.memory.range_mut(range).fill(value);
    Ok(())
}

/// `{a b len -> -1|0|1}`: compares bytes, unsigned.
fn memcmp(machine: &mut Machine<'_>) -> Result<(), ErrorCode> {
    let len = machine.pop()?;
    let b = machine.pop()?;
    let b = machine.memory.range(b, len)?;
    let a = machine.pop()?;
    let a = machine.memory.range(a, len)?;
    let order = machine.memory.bytes[a].cmp(&machine.memory.bytes[b]);
    machine.push(order as i32 as u32)
}

/// `{dst src len}`: the ranges may overlap.
fn memmove(machine: &mut Machine<'_>) -> Result<(), ErrorCode> {
    let len = machine.pop()?;
    let source = machine.pop()?;
    let source = machine.memory.range(source, len)?;
    let destination = machine.pop()?;
    let destination = machine.memory.range(destination, len)?;
    let start = destination.start;
    machine.memory.range_mut(destination);
    machine.memory.bytes.copy_within(source, start);
    Ok(())
}

/// `{method &data &methods -> &data}`: a large call of the method whose address is in the table.
fn role(machine: &mut Machine<'_>) -> Result<(), ErrorCode> {
    let methods = machine.pop()?;
    let data = machine.pop()?;
    let method = machine.pop()?;
    let entry = method.checked_mul(4).ok_or(ErrorCode::OUT_OF_BOUNDS)?;
    let entry = offset(methods, entry)?;
    let function = u32::from_le_bytes(machine.memory.load(entry)?);
    machine.push(data)?;
    machine.call_large(function)
}

/// `{l r err}`: panics where `l` and `r` differ.
fn assert(machine: &mut Machine<'_>) -> Result<(), ErrorCode> {
    let code = machine.pop()?;
    let right = machine.pop()?;
    let left = machine.pop()?;
    if left == right {
        Ok(())
    } else {
        Err(ErrorCode::new(code as u16))
    }
}

/// `{ls_sp}`: moves the locals pointer to any word of this fiber's locals stack, or to its end.
fn ls_set(machine: &mut Machine<'_>) -> Result<(), ErrorCode> {
    let address = machine.pop()?;
    if !(machine.ls_limit..=machine.ls_base).contains(&address) {
        return Err(ErrorCode::OUT_OF_BOUNDS);
    }
    if address % 4 != 0 {
        return Err(ErrorCode::ALIGN4);
    }
    machine.registers.ls_sp = address;
    Ok(())
}
