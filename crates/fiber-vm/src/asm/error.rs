//! What can be wrong with a source text, and where.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

/// An error in a source text, with the place of the offending word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsmError {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// The offending word as it stands in the source; empty where something is missing.
    pub word: String,
    /// What is wrong with it.
    pub kind: AsmErrorKind,
}

/// The errors of a source text, in the order of the text; at least one.
///
/// The first 100 are kept, the others counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsmErrors {
    /// At least one, in order.
    errors: Vec<AsmError>,
    omitted: usize,
}

impl AsmErrors {
    /// The most errors that are kept.
    pub const LIMIT: usize = 100;

    /// Puts errors in order. None where there are none.
    pub(super) fn collect(mut errors: Vec<AsmError>) -> Option<Self> {
        errors.sort_by_key(|error| (error.line, error.column));
        let omitted = errors.len().saturating_sub(Self::LIMIT);
        errors.truncate(Self::LIMIT);
        (!errors.is_empty()).then_some(Self { errors, omitted })
    }

    /// The first error of the text.
    pub fn first(&self) -> &AsmError {
        &self.errors[0]
    }

    /// The errors, at most [`AsmErrors::LIMIT`] of them.
    pub fn iter(&self) -> core::slice::Iter<'_, AsmError> {
        self.errors.iter()
    }

    /// How many more errors there are.
    pub fn omitted(&self) -> usize {
        self.omitted
    }
}

impl From<AsmError> for AsmErrors {
    fn from(error: AsmError) -> Self {
        Self {
            errors: vec![error],
            omitted: 0,
        }
    }
}

impl<'a> IntoIterator for &'a AsmErrors {
    type Item = &'a AsmError;
    type IntoIter = core::slice::Iter<'a, AsmError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for AsmErrors {
    /// One error a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first())?;
        for error in &self.errors[1..] {
            write!(f, "\n{error}")?;
        }
        match self.omitted {
            0 => Ok(()),
            1 => f.write_str("\nand 1 more error"),
            more => write!(f, "\nand {more} more errors"),
        }
    }
}

impl core::error::Error for AsmErrors {}

/// What is wrong with a word of a source text.
///
/// Non-exhaustive: an assembler that learns a directive learns its errors.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AsmErrorKind {
    /// The file is not UTF-8.
    InvalidUtf8,
    /// A `{` without its `}` on the same line.
    UnterminatedComment,
    /// A `"` or `'` without its partner on the same line.
    UnterminatedText,
    /// Not a text in quotes.
    NotText,
    /// An escape in a text that means nothing.
    UnknownEscape,
    /// No such instruction.
    UnknownInstruction,
    /// No such directive.
    UnknownDirective,
    /// No such label or constant.
    UnknownName,
    /// No such device operation.
    UnknownDevice,
    /// No such register.
    UnknownRegister,
    /// Not a name: names start with a letter or `_` and go on with those, digits and dots.
    InvalidName,
    /// A name that is defined already.
    DuplicateName {
        /// Where; 0 for a name of the machine.
        first_line: u32,
    },
    /// Not a number.
    InvalidNumber,
    /// A number that does not fit.
    NumberTooLarge {
        /// The largest that does.
        max: u32,
    },
    /// A number of locals that no function can have.
    InvalidLocals,
    /// A size on an instruction that has none, or a size other than 1, 2 and 4.
    InvalidSize,
    /// A jump target out of the literal's reach.
    TargetTooFar,
    /// Something is missing after the word.
    MissingOperand,
    /// Something is left over.
    UnexpectedOperand,
    /// A name that must be defined on an earlier line, because later addresses depend on it.
    NotKnownYet,
    /// The program passes 32 bits of address, or 16 MiB.
    ImageTooLarge,
    /// A byte that an earlier line has written already.
    Overlap {
        /// That line.
        first_line: u32,
    },
}

impl fmt::Display for AsmErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use AsmErrorKind::*;
        f.write_str(match self {
            InvalidUtf8 => "the file is not UTF-8",
            UnterminatedComment => "a comment without its `}`",
            UnterminatedText => "a text without its closing quote",
            NotText => "not a text in double quotes",
            UnknownEscape => "an unknown escape: \\n \\t \\0 \\\\ \\\" \\' and \\xNN are known",
            UnknownInstruction => "unknown instruction",
            UnknownDirective => "unknown directive",
            UnknownName => "unknown label or constant",
            UnknownDevice => "unknown device operation",
            UnknownRegister => "unknown register: ep, gb, ls and ls+0 to ls+127 are known",
            InvalidName => "not a name",
            DuplicateName { first_line: 0 } => "already defined by the machine",
            DuplicateName { first_line } => {
                return write!(f, "already defined on line {first_line}");
            }
            InvalidNumber => "not a number",
            NumberTooLarge { max } => return write!(f, "too large: at most {max} fits"),
            InvalidLocals => "locals must be a multiple of 4, at most 252 bytes",
            InvalidSize => "no such size of this instruction",
            TargetTooFar => "the target is out of reach: use a larger size",
            MissingOperand => "an operand is missing",
            UnexpectedOperand => "one operand too many",
            NotKnownYet => "must be defined on an earlier line",
            ImageTooLarge => "the program is too large",
            Overlap { first_line } => {
                return write!(f, "overwrites what line {first_line} has put there");
            }
        })
    }
}

impl fmt::Display for AsmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.kind)?;
        if !self.word.is_empty() {
            write!(f, ": `{}`", self.word)?;
        }
        Ok(())
    }
}

impl core::error::Error for AsmError {}
