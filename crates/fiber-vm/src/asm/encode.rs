//! The second pass: all addresses are known, so every item becomes its bytes.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::assemble::Names;
use super::error::{AsmError, AsmErrorKind};
use super::expression::{evaluate, fit};
use super::program::{Line, Program, Segment, Start};
use super::token::{Token, unquote};
use crate::op::{DEVICES, Op, Operand, REGISTER_EP, REGISTER_GB, REGISTER_LS, Size, opcode};

/// What the first pass makes of a line.
pub(super) struct Item<'s> {
    pub(super) word: Token<'s>,
    pub(super) operands: Vec<Token<'s>>,
    pub(super) kind: Kind,
    pub(super) address: u32,
    pub(super) len: u32,
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Instruction(&'static Op, Size),
    /// The shortest literal.
    Push,
    /// Numbers of so many bytes.
    Data(u32),
    Text,
    Space(u32),
    /// The header of a large function.
    Locals,
    Fiber,
}

pub(super) struct Encoder<'a> {
    names: &'a Names,
    hosts: &'a [(&'a str, u8)],
}

impl<'a> Encoder<'a> {
    pub(super) fn new(names: &'a Names, hosts: &'a [(&'a str, u8)]) -> Self {
        Self { names, hosts }
    }

    pub(super) fn program(
        &self,
        items: &[Item<'_>],
        errors: BTreeMap<u16, String>,
        faults: &mut Vec<AsmError>,
    ) -> Program {
        let mut program = Program {
            names: self
                .names
                .defined
                .iter()
                .map(|(name, row)| (name.clone(), row.0))
                .collect(),
            labels: self.names.labels.clone(),
            errors,
            ..Program::default()
        };
        let mut pieces = BTreeMap::new();
        for item in items {
            if matches!(item.kind, Kind::Fiber) {
                program.fibers.push(self.fiber(item, faults));
                continue;
            }
            let before = faults.len();
            let bytes = self.bytes(item, faults);
            debug_assert!(
                faults.len() > before || bytes.len() == item.len as usize,
                "{}",
                item.word.text
            );
            if item.len > 0 {
                match claim(&mut program.lines, item) {
                    Ok(()) => drop(pieces.insert(item.address, bytes)),
                    Err(fault) => faults.push(fault),
                }
            }
        }
        program.segments = join(pieces);
        if program.fibers.is_empty()
            && let Some(first) = program.segments.first()
        {
            let first_item = items
                .iter()
                .find(|item| item.len > 0)
                .map(|item| item.address);
            let ep = self
                .names
                .find("main")
                .or(first_item)
                .unwrap_or(first.address);
            program.fibers.push(Start {
                ep,
                ..Start::default()
            });
        }
        program
    }

    fn value(&self, token: &Token<'_>, bytes: u32) -> Result<u32, AsmError> {
        fit(token, evaluate(token, |name| self.names.find(name))?, bytes)
    }

    fn fiber(&self, item: &Item<'_>, faults: &mut Vec<AsmError>) -> Start {
        let mut values = item.operands.iter().map(|token| {
            self.value(token, 4)
                .unwrap_or_else(|fault| note(faults, fault))
        });
        Start {
            ep: values.next().unwrap_or(0),
            gb: values.next().unwrap_or(0),
            words: values.collect(),
        }
    }

    /// An item's bytes; of any number and value where something is wrong with it.
    fn bytes(&self, item: &Item<'_>, faults: &mut Vec<AsmError>) -> Vec<u8> {
        if let Kind::Data(size) = item.kind {
            let bytes = item.operands.iter().flat_map(|token| {
                let value = self
                    .value(token, size)
                    .unwrap_or_else(|fault| note(faults, fault));
                value.to_le_bytes().into_iter().take(size as usize)
            });
            return bytes.collect();
        }
        self.one(item).unwrap_or_else(|fault| {
            faults.push(fault);
            Vec::new()
        })
    }

    /// The bytes of an item with one operand at most.
    fn one(&self, item: &Item<'_>) -> Result<Vec<u8>, AsmError> {
        let mut bytes = Vec::with_capacity(item.len as usize);
        match item.kind {
            Kind::Instruction(op, size) => {
                bytes.push(op.base + size.bits());
                if let Some(token) = item.operands.first() {
                    let operand = self.operand(item, op, size, token)?;
                    match op.operand {
                        Operand::Small => bytes[0] += operand as u8,
                        kind => big_endian(&mut bytes, operand, kind.bytes(size)),
                    }
                }
            }
            Kind::Push => {
                let value = self.value(&item.operands[0], 4)?;
                match item.len {
                    1 => bytes.push(opcode::SLIT + value as u8),
                    2 => bytes.push(opcode::LIT_1),
                    3 => bytes.push(opcode::LIT_2),
                    _ => bytes.push(opcode::LIT_4),
                }
                big_endian(&mut bytes, value, item.len - 1);
            }
            Kind::Text => bytes = unquote(&item.operands[0])?,
            Kind::Space(len) => bytes.resize(len as usize, 0),
            Kind::Locals => {
                let token = &item.operands[0];
                match self.value(token, 4)? {
                    locals @ 0..=252 if locals % 4 == 0 => bytes.push(locals as u8),
                    _ => return Err(token.error(AsmErrorKind::InvalidLocals)),
                }
            }
            Kind::Data(_) | Kind::Fiber => {}
        }
        Ok(bytes)
    }

    /// The immediate of an instruction.
    fn operand(
        &self,
        item: &Item<'_>,
        op: &Op,
        size: Size,
        token: &Token<'_>,
    ) -> Result<u32, AsmError> {
        match op.operand {
            Operand::Small => match self.value(token, 4)? {
                value @ 0..=63 => Ok(value),
                _ => Err(token.error(AsmErrorKind::NumberTooLarge { max: 63 })),
            },
            Operand::Device => self.device(token),
            Operand::Register => self.register(token),
            Operand::Target => {
                let target = self.value(token, 4)?;
                let next = item.address + item.len;
                let far = || token.error(AsmErrorKind::TargetTooFar);
                match size {
                    Size::One => {
                        // Relative to the literal, which is the last byte.
                        let distance = target.wrapping_sub(next - 1) as i32;
                        i8::try_from(distance)
                            .map(|near| u32::from(near as u8))
                            .map_err(|_| far())
                    }
                    Size::Two if (target ^ next) >> 16 != 0 => Err(far()),
                    Size::Two => Ok(target & 0xFFFF),
                    Size::Four => Ok(target),
                }
            }
            kind => self.value(token, kind.bytes(size)),
        }
    }

    fn device(&self, token: &Token<'_>) -> Result<u32, AsmError> {
        let machine = DEVICES.iter().map(|&(number, name, _)| (name, number));
        let mut named = machine.chain(self.hosts.iter().copied());
        match named.find(|row| row.0 == token.text) {
            Some((_, number)) => Ok(number.into()),
            None => self.value(token, 1).map_err(|error| match error.kind {
                AsmErrorKind::UnknownName => token.error(AsmErrorKind::UnknownDevice),
                _ => error,
            }),
        }
    }

    fn register(&self, token: &Token<'_>) -> Result<u32, AsmError> {
        let unknown = |_| token.error(AsmErrorKind::UnknownRegister);
        match token.text {
            "ep" => Ok(REGISTER_EP.into()),
            "gb" => Ok(REGISTER_GB.into()),
            "ls" => Ok(REGISTER_LS.into()),
            text => match text.strip_prefix("ls+") {
                Some(by) => {
                    let by = self
                        .value(&Token { text: by, ..*token }, 4)
                        .map_err(unknown)?;
                    let number = REGISTER_LS.checked_add(u8::try_from(by).unwrap_or(u8::MAX));
                    number
                        .map(u32::from)
                        .ok_or_else(|| token.error(AsmErrorKind::UnknownRegister))
                }
                None => self.value(token, 1).map_err(unknown),
            },
        }
    }
}

/// Keeps an error, and goes on with 0.
fn note(faults: &mut Vec<AsmError>, fault: AsmError) -> u32 {
    faults.push(fault);
    0
}

/// Literals in instructions are big-endian.
fn big_endian(bytes: &mut Vec<u8>, value: u32, len: u32) {
    bytes.extend_from_slice(&value.to_be_bytes()[4 - len as usize..]);
}

/// Notes that an item's bytes came from its line, and that no other line's did.
fn claim(lines: &mut BTreeMap<u32, Line>, item: &Item<'_>) -> Result<(), AsmError> {
    let end = item.address + item.len;
    let before = lines.range(..end).next_back();
    if let Some((&start, line)) = before
        && start + line.len > item.address
    {
        let first_line = line.number;
        return Err(item.word.error(AsmErrorKind::Overlap { first_line }));
    }
    lines.insert(
        item.address,
        Line {
            len: item.len,
            number: item.word.line,
        },
    );
    Ok(())
}

/// Pieces in the order of their addresses, those that touch made one.
fn join(pieces: BTreeMap<u32, Vec<u8>>) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for (address, bytes) in pieces {
        match segments.last_mut() {
            Some(last) if last.address + last.bytes.len() as u32 == address => {
                last.bytes.extend_from_slice(&bytes);
            }
            _ => segments.push(Segment { address, bytes }),
        }
    }
    segments
}
