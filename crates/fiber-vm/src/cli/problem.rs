//! What went wrong, as the user reads it: message, file, line, column, and a caret.

use std::fmt::{self, Display};
use std::io;
use std::path::Path;

use fiber_vm::asm::{AsmError, AsmErrors};

use super::style::{ERROR, PLACE};

/// A problem that ends the program with exit code 1.
#[derive(Debug)]
pub(crate) enum Problem {
    /// Something to say.
    Message(String),
    /// Something to say about a place in a source file.
    Located(Located),
    /// The errors of a source file, and how many more there are.
    Source(Vec<Located>, usize),
    /// It has been said already, or the reader of the output has gone.
    Silent,
}

/// A message about a place in a source file.
#[derive(Debug)]
pub(crate) struct Located {
    pub(crate) message: String,
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
    /// The source line.
    pub(crate) text: String,
    /// How many characters are pointed at.
    pub(crate) width: usize,
}

impl Problem {
    pub(crate) fn message(message: impl Display) -> Self {
        Self::Message(message.to_string())
    }

    /// A file that could not be read or written.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        Self::Message(format!("{}: {error}", path.display()))
    }

    /// The errors in a source text.
    pub(crate) fn source(file: &str, text: &str, errors: &AsmErrors) -> Self {
        let located = errors.iter().map(|error| Located::new(file, text, error));
        Self::Source(located.collect(), errors.omitted())
    }

    /// Writes it to standard error.
    pub(crate) fn print(&self) {
        match self {
            Problem::Message(message) => anstream::eprintln!("{ERROR}error{ERROR:#}: {message}"),
            Problem::Located(located) => anstream::eprint!("{located}"),
            Problem::Source(errors, omitted) => {
                for error in errors {
                    anstream::eprint!("{error}");
                }
                if *omitted > 0 {
                    anstream::eprintln!("… and {omitted} more errors");
                }
            }
            Problem::Silent => {}
        }
    }
}

impl Located {
    /// An error in a source text.
    fn new(file: &str, text: &str, error: &AsmError) -> Self {
        let message = match error.word.as_str() {
            "" => error.kind.to_string(),
            word => format!("{}: `{}`", error.kind, printable(word)),
        };
        Self {
            message,
            file: file.into(),
            line: error.line,
            column: error.column,
            text: source_line(text, error.line),
            width: error.word.chars().count().max(1),
        }
    }
}

/// A line of a text, from 1; empty where there is none.
pub(crate) fn source_line(text: &str, number: u32) -> String {
    text.lines()
        .nth(number as usize - 1)
        .unwrap_or_default()
        .into()
}

impl Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            message,
            file,
            line,
            column,
            text,
            width,
        } = self;
        // Tabs stay tabs, so that the caret stands below its word.
        let blank = |c: char| if c == '\t' { '\t' } else { ' ' };
        let indent: String = text
            .chars()
            .map(blank)
            .chain([' '])
            .take(*column as usize - 1)
            .collect();
        let margin = " ".repeat(line.to_string().len());
        writeln!(f, "{ERROR}error{ERROR:#}: {message}")?;
        writeln!(f, "{margin}{PLACE}-->{PLACE:#} {file}:{line}:{column}")?;
        writeln!(f, "{margin} {PLACE}|{PLACE:#}")?;
        writeln!(f, "{PLACE}{line} |{PLACE:#} {}", printable(text))?;
        writeln!(
            f,
            "{margin} {PLACE}|{PLACE:#} {indent}{ERROR}{}{ERROR:#}",
            "^".repeat(*width)
        )
    }
}

/// A line of source without control characters, which a terminal would obey.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\t' {
                '\u{FFFD}'
            } else {
                c
            }
        })
        .collect()
}
