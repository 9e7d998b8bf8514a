//! What instructions of one kind have in common: operands, memory, literals, targets.
//!
//! All of it is inlined into the interpreter's loop; see [`Machine`] for why.

use crate::error::ErrorCode;
use crate::machine::Machine;
use crate::memory::offset;

#[inline(always)]
pub(crate) fn unary(
    machine: &mut Machine<'_>,
    f: impl FnOnce(u32) -> u32,
) -> Result<(), ErrorCode> {
    let l = machine.pop()?;
    machine.push(f(l))
}

#[inline(always)]
pub(crate) fn binary(
    machine: &mut Machine<'_>,
    f: impl FnOnce(u32, u32) -> u32,
) -> Result<(), ErrorCode> {
    let r = machine.pop()?;
    let l = machine.pop()?;
    machine.push(f(l, r))
}

/// A binary operation whose right operand must not be 0, which is checked before the left is
/// popped.
#[inline(always)]
pub(crate) fn divide(
    machine: &mut Machine<'_>,
    f: impl FnOnce(u32, u32) -> u32,
) -> Result<(), ErrorCode> {
    let r = machine.pop()?;
    if r == 0 {
        return Err(ErrorCode::DIVIDE_BY_ZERO);
    }
    let l = machine.pop()?;
    machine.push(f(l, r))
}

/// The number in little-endian bytes, without sign.
#[inline(always)]
pub(crate) fn from_le<const N: usize>(bytes: [u8; N]) -> u32 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, &byte| number << 8 | u32::from(byte))
}

/// The number in big-endian bytes, without sign.
#[inline(always)]
pub(crate) fn from_be<const N: usize>(bytes: [u8; N]) -> u32 {
    bytes
        .iter()
        .fold(0, |number, &byte| number << 8 | u32::from(byte))
}

/// The low bytes of a number, little-endian.
#[inline(always)]
pub(crate) fn to_le<const N: usize>(number: u32) -> [u8; N] {
    core::array::from_fn(|index| (number >> (8 * index)) as u8)
}

/// The low bytes of a number, big-endian.
#[inline(always)]
pub(crate) fn to_be<const N: usize>(number: u32) -> [u8; N] {
    core::array::from_fn(|index| (number >> (8 * (N - 1 - index))) as u8)
}

#[inline(always)]
pub(crate) fn fetch<const N: usize>(
    machine: &mut Machine<'_>,
    decode: impl FnOnce([u8; N]) -> u32,
) -> Result<(), ErrorCode> {
    let address = machine.pop()?;
    let value = decode(machine.memory.load(address)?);
    machine.push(value)
}

#[inline(always)]
pub(crate) fn fetch_offset<const N: usize>(machine: &mut Machine<'_>) -> Result<(), ErrorCode> {
    let [x] = machine.immediate()?;
    let address = offset(machine.pop()?, u32::from(x))?;
    let value = from_le::<N>(machine.memory.load(address)?);
    machine.push(value)
}

#[inline(always)]
pub(crate) fn fetch_local<const N: usize>(machine: &mut Machine<'_>) -> Result<(), ErrorCode> {
    let [x] = machine.immediate()?;
    let address = offset(machine.registers.ls_sp, u32::from(x))?;
    let value = from_le::<N>(machine.memory.load(address)?);
    machine.push(value)
}

#[inline(always)]
pub(crate) fn fetch_global<const N: usize>(machine: &mut Machine<'_>) -> Result<(), ErrorCode> {
    let x = u16::from_be_bytes(machine.immediate()?);
    let address = offset(machine.registers.gb, u32::from(x))?;
    let value = from_le::<N>(machine.memory.load(address)?);
    machine.push(value)
}

#[inline(always)]
pub(crate) fn store<const N: usize>(
    machine: &mut Machine<'_>,
    encode: impl FnOnce(u32) -> [u8; N],
) -> Result<(), ErrorCode> {
    let address = machine.pop()?;
    machine.memory.load::<N>(address)?;
    let value = machine.pop()?;
    machine.memory.store(address, encode(value))?;
    Ok(())
}

#[inline(always)]
pub(crate) fn store_offset<const N: usize>(machine: &mut Machine<'_>) -> Result<(), ErrorCode> {
    let [x] = machine.immediate()?;
    let address = offset(machine.pop()?, u32::from(x))?;
    machine.memory.load::<N>(address)?;
    let value = machine.pop()?;
    machine.memory.store(address, to_le::<N>(value))?;
    Ok(())
}

#[inline(always)]
pub(crate) fn store_local<const N: usize>(machine: &mut Machine<'_>) -> Result<(), ErrorCode> {
    let [x] = machine.immediate()?;
    let value = machine.pop()?;
    let address = offset(machine.registers.ls_sp, u32::from(x))?;
    machine.memory.store(address, to_le::<N>(value))?;
    Ok(())
}

#[inline(always)]
pub(crate) fn store_global<const N: usize>(machine: &mut Machine<'_>) -> Result<(), ErrorCode> {
    let x = u16::from_be_bytes(machine.immediate()?);
    let value = machine.pop()?;
    let address = offset(machine.registers.gb, u32::from(x))?;
    machine.memory.store(address, to_le::<N>(value))?;
    Ok(())
}

#[inline(always)]
pub(crate) fn literal<const N: usize>(machine: &mut Machine<'_>) -> Result<(), ErrorCode> {
    let value = from_be::<N>(machine.immediate()?);
    machine.push(value)
}

/// A target relative to the literal's own address.
#[inline(always)]
pub(crate) fn target_1(machine: &mut Machine<'_>) -> Result<u32, ErrorCode> {
    let literal_address = machine.registers.ep;
    let [distance] = machine.immediate()?;
    Ok(literal_address.wrapping_add(distance as i8 as u32))
}

/// A target in the same 64 KiB as the next instruction.
#[inline(always)]
pub(crate) fn target_2(machine: &mut Machine<'_>) -> Result<u32, ErrorCode> {
    let low = from_be::<2>(machine.immediate()?);
    Ok(machine.registers.ep & 0xFFFF_0000 | low)
}

/// An absolute target.
#[inline(always)]
pub(crate) fn target_4(machine: &mut Machine<'_>) -> Result<u32, ErrorCode> {
    Ok(from_be::<4>(machine.immediate()?))
}

pub(crate) type Target = fn(&mut Machine<'_>) -> Result<u32, ErrorCode>;

#[inline(always)]
pub(crate) fn jump_if_zero(machine: &mut Machine<'_>, target: Target) -> Result<(), ErrorCode> {
    let target = target(machine)?;
    if machine.pop()? == 0 {
        machine.registers.ep = target;
    }
    Ok(())
}

#[inline(always)]
pub(crate) fn call_small(machine: &mut Machine<'_>, target: Target) -> Result<(), ErrorCode> {
    let target = target(machine)?;
    machine.call_small(target)
}

#[inline(always)]
pub(crate) fn call_large(machine: &mut Machine<'_>, target: Target) -> Result<(), ErrorCode> {
    let target = target(machine)?;
    machine.call_large(target)
}

#[inline(always)]
pub(crate) fn inline_data<const N: usize>(machine: &mut Machine<'_>) -> Result<(), ErrorCode> {
    let len = from_be::<N>(machine.immediate()?);
    let address = machine.registers.ep;
    machine.push(address)?;
    machine.push(len)?;
    machine.registers.ep = offset(address, len)?;
    Ok(())
}
