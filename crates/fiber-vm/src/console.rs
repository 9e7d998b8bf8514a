//! A console for programs: host functions that print, and one that spawns fibers.
//!
//! | number | name | effect |
//! |---|---|---|
//! | 40 | print | `{v}` writes a number in decimal, without sign |
//! | 41 | emit | `{c}` writes a character |
//! | 42 | type | `{addr len}` writes a text from memory |
//! | 43 | spawn | `{word ep gb -> fiber}` a new fiber with that word on its working stack |
//!
//! The command-line program runs with these; an embedder may.

use alloc::rc::Rc;
use core::cell::RefCell;
use core::fmt;

use crate::error::{ErrorCode, HostNumberError};
use crate::host::{HostCall, HostFlow, HostResult};
use crate::vm::Vm;

/// The functions' names, for [`assemble_with`](crate::asm::assemble_with).
pub const NAMES: &[(&str, u8)] = &[
    ("print", 0x40),
    ("emit", 0x41),
    ("type", 0x42),
    ("spawn", 0x43),
];

/// Registers the console's functions; what programs print goes to `out`.
///
/// `print`, `emit` and `type` panic with [`ErrorCode::INTERN`] where `out` fails, and `emit` with
/// the same where its operand is no character. `spawn` panics with [`ErrorCode::OUT_OF_MEMORY`]
/// where all fibers are in use.
///
/// # Errors
/// None: the numbers are right. The type is that of [`Vm::register`].
pub fn install<'h>(vm: &mut Vm<'h>, out: impl fmt::Write + 'h) -> Result<(), HostNumberError> {
    let out = Rc::new(RefCell::new(out));
    let printer = |function: fn(&mut HostCall<'_>, &mut dyn fmt::Write) -> HostResult| {
        let out = out.clone();
        move |call: &mut HostCall<'_>| function(call, &mut *out.borrow_mut())
    };
    vm.register(0x40, printer(print))?;
    vm.register(0x41, printer(emit))?;
    vm.register(0x42, printer(type_text))?;
    vm.register(0x43, spawn)
}

fn written(result: fmt::Result) -> HostResult {
    result
        .map(|()| HostFlow::Continue)
        .map_err(|_| ErrorCode::INTERN)
}

fn print(call: &mut HostCall<'_>, out: &mut dyn fmt::Write) -> HostResult {
    let value = call.pop()?;
    written(write!(out, "{value}"))
}

fn emit(call: &mut HostCall<'_>, out: &mut dyn fmt::Write) -> HostResult {
    let character = char::from_u32(call.pop()?).ok_or(ErrorCode::INTERN)?;
    written(out.write_char(character))
}

fn type_text(call: &mut HostCall<'_>, out: &mut dyn fmt::Write) -> HostResult {
    let len = call.pop()?;
    let address = call.pop()?;
    for chunk in call.read(address, len)?.utf8_chunks() {
        written(out.write_str(chunk.valid()))?;
        if !chunk.invalid().is_empty() {
            written(out.write_char(char::REPLACEMENT_CHARACTER))?;
        }
    }
    Ok(HostFlow::Continue)
}

fn spawn(call: &mut HostCall<'_>) -> HostResult {
    let gb = call.pop()?;
    let ep = call.pop()?;
    let word = call.pop()?;
    let id = call
        .spawn(ep, gb, &[word])
        .map_err(|_| ErrorCode::OUT_OF_MEMORY)?;
    call.push(id.index())?;
    Ok(HostFlow::Continue)
}
