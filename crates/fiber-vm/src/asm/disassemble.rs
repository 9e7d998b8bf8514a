//! Bytes back to text, so that assembling the text gives the same bytes.

use core::fmt;

use crate::op::{DEVICES, Op, Operand, REGISTER_EP, REGISTER_GB, REGISTER_LS, Size, decode};

/// One line of a disassembly: [`Display`](fmt::Display) writes it in the text form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disassembled {
    /// Where it stands.
    pub address: u32,
    /// How many bytes it takes.
    pub len: u32,
    line: Line,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// A byte that is no instruction, or the start of one that ends after the last byte.
    Byte(u8),
    /// An instruction, with its operand as the text form wants it: targets are addresses.
    Instruction {
        op: &'static Op,
        size: Size,
        operand: u32,
    },
}

/// The first line of the bytes at `address`; none where there are no bytes.
pub fn disassemble_one(address: u32, bytes: &[u8]) -> Option<Disassembled> {
    let (&byte, rest) = bytes.split_first()?;
    let data = Disassembled {
        address,
        len: 1,
        line: Line::Byte(byte),
    };
    let Some((op, size)) = decode(byte) else {
        return Some(data);
    };
    let len = op.operand.bytes(size);
    let Some(immediate) = rest.get(..len as usize) else {
        return Some(data);
    };
    let number = immediate
        .iter()
        .fold(0, |number, &byte| number << 8 | u32::from(byte));
    let operand = match (op.operand, size) {
        (Operand::Small, _) => u32::from(byte - op.base),
        (Operand::Target, Size::One) => address
            .wrapping_add(1)
            .wrapping_add(number as u8 as i8 as u32),
        (Operand::Target, Size::Two) => address.wrapping_add(3) & 0xFFFF_0000 | number,
        _ => number,
    };
    Some(Disassembled {
        address,
        len: 1 + len,
        line: Line::Instruction { op, size, operand },
    })
}

/// The lines of the bytes at `address`, from the first to the last.
pub fn disassemble(address: u32, bytes: &[u8]) -> impl Iterator<Item = Disassembled> {
    let mut at = 0_usize;
    core::iter::from_fn(move || {
        let line = disassemble_one(address.wrapping_add(at as u32), &bytes[at..])?;
        at += line.len as usize;
        Some(line)
    })
}

impl fmt::Display for Disassembled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (op, size, operand) = match self.line {
            Line::Byte(byte) => return write!(f, ".u8 0x{byte:02X}"),
            Line::Instruction { op, size, operand } => (op, size, operand),
        };
        f.write_str(op.name)?;
        if op.sized {
            write!(f, ".{}", size.bytes())?;
        }
        match op.operand {
            Operand::None => Ok(()),
            Operand::Small | Operand::Byte | Operand::Half => write!(f, " {operand}"),
            Operand::Literal | Operand::Target | Operand::Length => write!(f, " 0x{operand:X}"),
            Operand::Device => match DEVICES.iter().find(|row| u32::from(row.0) == operand) {
                Some((_, name, _)) => write!(f, " {name}"),
                None => write!(f, " 0x{operand:X}"),
            },
            Operand::Register => match operand as u8 {
                REGISTER_EP => f.write_str(" ep"),
                REGISTER_GB => f.write_str(" gb"),
                register @ REGISTER_LS.. => write!(f, " ls+{}", register - REGISTER_LS),
                register => write!(f, " 0x{register:X}"),
            },
        }
    }
}
