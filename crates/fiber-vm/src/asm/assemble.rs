//! Text to bytes, in two passes: the first finds out where everything is, the second what it is.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::encode::{Encoder, Item, Kind};
use super::error::{AsmError, AsmErrorKind, AsmErrors};
use super::expression::{evaluate, fit, is_name};
use super::program::{DEFAULT_ORIGIN, Program};
use super::token::{Token, tokens, unquote};
use crate::error::ErrorCode;
use crate::op::{OPS, Op, Operand, Size};

/// The most bytes that a program may have.
pub(super) const MAX_IMAGE: u64 = 16 << 20;

/// The text in the bytes of a source file.
///
/// # Errors
/// [`AsmErrorKind::InvalidUtf8`] at the first character that is none.
pub fn source_text(bytes: &[u8]) -> Result<&str, AsmError> {
    core::str::from_utf8(bytes).map_err(|error| {
        let valid = &bytes[..error.valid_up_to()];
        let line_start = valid
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |at| at + 1);
        AsmError {
            line: valid.iter().filter(|&&byte| byte == b'\n').count() as u32 + 1,
            column: String::from_utf8_lossy(&valid[line_start..])
                .chars()
                .count() as u32
                + 1,
            word: String::new(),
            kind: AsmErrorKind::InvalidUtf8,
        }
    })
}

/// Assembles a source text; see the [module](super) for the form.
///
/// # Errors
/// All errors of the text, in its order, but for those that may only follow from others:
///
/// - A line that cannot be read is one error, whatever else may be wrong with it.
/// - A name whose definition is wrong counts as defined.
/// - Where a line is wrong, the addresses after it are not known for sure: nothing is said about
///   targets out of reach and about lines that overwrite others.
/// - A program that is too large is not read further.
pub fn assemble(source: &str) -> Result<Program, AsmErrors> {
    assemble_with(source, &[])
}

/// [`assemble`], with names for host functions: `DV print` for `("print", 0x40)`.
///
/// # Errors
/// As [`assemble`].
pub fn assemble_with(source: &str, hosts: &[(&str, u8)]) -> Result<Program, AsmErrors> {
    let mut layout = Layout {
        location: DEFAULT_ORIGIN.into(),
        names: Names::default(),
        items: Vec::new(),
        errors: BTreeMap::new(),
        image: 0,
    };
    let mut faults = Vec::new();
    let mut too_large = false;
    for (number, line) in (1..).zip(source.lines()) {
        let (tokens, fault) = tokens(number, line);
        let statement = layout.labels(&tokens, &mut faults);
        let result = match fault {
            Some(fault) => Err(fault),
            None => layout.statement(statement),
        };
        if let Err(fault) = result {
            faults.push(fault);
        }
        if faults
            .last()
            .is_some_and(|fault| fault.kind == AsmErrorKind::ImageTooLarge)
        {
            too_large = true;
            break;
        }
    }
    let Layout {
        names,
        items,
        errors,
        ..
    } = layout;
    let addresses_known = faults.is_empty();
    let program = if too_large {
        Program::default()
    } else {
        Encoder::new(&names, hosts).program(&items, errors, &mut faults)
    };
    if !addresses_known {
        let from_addresses = |fault: &AsmError| {
            matches!(
                fault.kind,
                AsmErrorKind::TargetTooFar | AsmErrorKind::Overlap { .. }
            )
        };
        faults.retain(|fault| !from_addresses(fault));
    }
    match AsmErrors::collect(faults) {
        Some(errors) => Err(errors),
        None => Ok(program),
    }
}

/// Labels and constants so far.
#[derive(Default)]
pub(super) struct Names {
    /// Value and line by name.
    pub(super) defined: BTreeMap<String, (u32, u32)>,
    /// Names of addresses, by address.
    pub(super) labels: BTreeMap<u32, String>,
}

impl Names {
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        let machine = |name| {
            let (_, code) = ErrorCode::NAMED.iter().find(|row| row.0 == name)?;
            Some(u32::from(code.get()))
        };
        self.defined
            .get(name)
            .map(|&(value, _)| value)
            .or_else(|| machine(name))
    }

    fn define(&mut self, token: &Token<'_>, name: &str, value: u32) -> Result<(), AsmError> {
        if !is_name(name) {
            return Err(token.error(AsmErrorKind::InvalidName));
        }
        if self.find(name).is_some() {
            let first_line = self.defined.get(name).map_or(0, |&(_, line)| line);
            return Err(token.error(AsmErrorKind::DuplicateName { first_line }));
        }
        self.defined.insert(name.into(), (value, token.line));
        Ok(())
    }

    /// Gives a name whose definition is wrong a value that will do wherever a name may stand, so
    /// that its uses are no errors of their own.
    fn assume(&mut self, token: &Token<'_>) {
        const ASSUMED: u32 = 4;
        // What is wrong with the name itself will be said when its definition has been mended.
        let _ = self.define(token, token.text, ASSUMED);
    }
}

/// The first pass.
struct Layout<'s> {
    /// The next byte's address; one more bit than an address, for the end of memory.
    location: u64,
    names: Names,
    items: Vec<Item<'s>>,
    /// Names of error codes.
    errors: BTreeMap<u16, String>,
    /// Bytes so far.
    image: u64,
}

impl<'s> Layout<'s> {
    /// Defines the labels of a line; the tokens after them.
    fn labels<'t>(
        &mut self,
        mut tokens: &'t [Token<'s>],
        faults: &mut Vec<AsmError>,
    ) -> &'t [Token<'s>] {
        while let [label, rest @ ..] = tokens
            && let Some(name) = label.text.strip_suffix(':')
        {
            match self.label(label, name) {
                Ok(()) => {}
                Err(fault) => faults.push(fault),
            }
            tokens = rest;
        }
        tokens
    }

    fn label(&mut self, token: &Token<'s>, name: &str) -> Result<(), AsmError> {
        let address = self.address(token)?;
        self.names.define(token, name, address)?;
        self.names
            .labels
            .entry(address)
            .or_insert_with(|| name.into());
        Ok(())
    }

    /// What comes after the labels of a line.
    fn statement(&mut self, tokens: &[Token<'s>]) -> Result<(), AsmError> {
        match tokens {
            [] => Ok(()),
            [word, operands @ ..] if word.text.starts_with('.') => self.directive(word, operands),
            [word, operands @ ..] => self.instruction(word, operands),
        }
    }

    fn instruction(&mut self, word: &Token<'s>, operands: &[Token<'s>]) -> Result<(), AsmError> {
        if word.text == "PUSH" {
            let operand = only(word, operands)?;
            // Where the value is not known yet, room for any.
            let len = match evaluate(operand, |name| self.names.find(name)) {
                Ok(0..=63) => 1,
                Ok(0..=0xFF) => 2,
                Ok(0..=0xFFFF) => 3,
                _ => 5,
            };
            return self.item(word, operands, Kind::Push, len);
        }
        let (op, size) = operation(word)?;
        if op.operand == Operand::None
            && let Some(extra) = operands.first()
        {
            return Err(extra.error(AsmErrorKind::UnexpectedOperand));
        }
        if op.operand != Operand::None {
            only(word, operands)?;
        }
        let len = 1 + op.operand.bytes(size);
        self.item(word, operands, Kind::Instruction(op, size), len)
    }

    fn directive(&mut self, word: &Token<'s>, operands: &[Token<'s>]) -> Result<(), AsmError> {
        let count = operands.len() as u32;
        match word.text {
            ".org" => {
                self.location = self.known(only(word, operands)?)?.into();
                Ok(())
            }
            ".align" => {
                let token = only(word, operands)?;
                let to = u64::from(self.known(token)?);
                if to == 0 {
                    return Err(token.error(AsmErrorKind::InvalidNumber));
                }
                let gap = self.location.next_multiple_of(to) - self.location;
                self.space(word, gap)
            }
            ".space" => {
                let len = self.known(only(word, operands)?)?;
                self.space(word, len.into())
            }
            ".u8" => self.data(word, operands, count, 1),
            ".u16" => self.data(word, operands, count, 2),
            ".u32" => self.data(word, operands, count, 4),
            ".text" => {
                let token = only(word, operands)?;
                if !token.text.starts_with('"') {
                    return Err(token.error(AsmErrorKind::NotText));
                }
                let len = unquote(token)?.len() as u32;
                self.item(word, operands, Kind::Text, len)
            }
            ".locals" => {
                only(word, operands)?;
                self.item(word, operands, Kind::Locals, 1)
            }
            ".fiber" if operands.is_empty() => Err(word.missing()),
            ".fiber" => self.item(word, operands, Kind::Fiber, 0),
            ".const" => self.constant_line(word, operands).map(drop),
            ".error" => {
                let (name, value) = self.constant_line(word, operands)?;
                let code = fit(&operands[1], value.into(), 2)? as u16;
                self.errors.entry(code).or_insert_with(|| name.into());
                Ok(())
            }
            _ => Err(word.error(AsmErrorKind::UnknownDirective)),
        }
    }

    /// `.const NAME VALUE` and `.error NAME VALUE`.
    fn constant_line(
        &mut self,
        word: &Token<'s>,
        operands: &[Token<'s>],
    ) -> Result<(&'s str, u32), AsmError> {
        let [name, value, extra @ ..] = operands else {
            return Err(operands.last().unwrap_or(word).missing());
        };
        if let Some(extra) = extra.first() {
            return Err(extra.error(AsmErrorKind::UnexpectedOperand));
        }
        let value = match self.known(value) {
            Ok(value) => value,
            Err(fault) => {
                self.names.assume(name);
                return Err(fault);
            }
        };
        self.names.define(name, name.text, value)?;
        Ok((name.text, value))
    }

    fn data(
        &mut self,
        word: &Token<'s>,
        operands: &[Token<'s>],
        count: u32,
        bytes: u32,
    ) -> Result<(), AsmError> {
        if operands.is_empty() {
            return Err(word.missing());
        }
        self.item(word, operands, Kind::Data(bytes), count * bytes)
    }

    fn space(&mut self, word: &Token<'s>, len: u64) -> Result<(), AsmError> {
        match u32::try_from(len) {
            Ok(len) => self.item(word, &[], Kind::Space(len), len),
            Err(_) => Err(word.error(AsmErrorKind::ImageTooLarge)),
        }
    }

    /// Puts an item of `len` bytes here.
    fn item(
        &mut self,
        word: &Token<'s>,
        operands: &[Token<'s>],
        kind: Kind,
        len: u32,
    ) -> Result<(), AsmError> {
        let address = self.address(word)?;
        self.location += u64::from(len);
        self.image += u64::from(len);
        // One address must be left for what comes after the last byte.
        if self.location > u64::from(u32::MAX) || self.image > MAX_IMAGE {
            return Err(word.error(AsmErrorKind::ImageTooLarge));
        }
        self.items.push(Item {
            word: *word,
            operands: operands.into(),
            kind,
            address,
            len,
        });
        Ok(())
    }

    fn address(&self, word: &Token<'_>) -> Result<u32, AsmError> {
        u32::try_from(self.location).map_err(|_| word.error(AsmErrorKind::ImageTooLarge))
    }

    /// A value that addresses depend on: from earlier lines only.
    fn known(&self, token: &Token<'_>) -> Result<u32, AsmError> {
        let value =
            evaluate(token, |name| self.names.find(name)).map_err(|error| match error.kind {
                AsmErrorKind::UnknownName => token.error(AsmErrorKind::NotKnownYet),
                _ => error,
            })?;
        fit(token, value, 4)
    }
}

/// The one operand of a word.
fn only<'t, 's>(word: &Token<'s>, operands: &'t [Token<'s>]) -> Result<&'t Token<'s>, AsmError> {
    match operands {
        [] => Err(word.missing()),
        [operand] => Ok(operand),
        [_, extra, ..] => Err(extra.error(AsmErrorKind::UnexpectedOperand)),
    }
}

/// The instruction that a word names, and its size.
fn operation(word: &Token<'_>) -> Result<(&'static Op, Size), AsmError> {
    let (name, suffix) = match word.text.split_once('.') {
        Some((name, suffix)) => (name, Some(suffix)),
        None => (word.text, None),
    };
    let Some(op) = OPS.iter().find(|op| op.name == name) else {
        return Err(word.error(AsmErrorKind::UnknownInstruction));
    };
    let size = match (suffix, op.sized) {
        (None, false) => Size::One,
        (None, true) if matches!(op.operand, Operand::Target | Operand::Length) => Size::Two,
        (None, true) | (Some("4"), true) => Size::Four,
        (Some("1"), true) => Size::One,
        (Some("2"), true) => Size::Two,
        _ => return Err(word.error(AsmErrorKind::InvalidSize)),
    };
    Ok((op, size))
}
