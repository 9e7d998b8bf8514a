//! A line of source, cut into words.

use alloc::string::String;
use alloc::vec::Vec;

use super::error::{AsmError, AsmErrorKind};

/// A word of the source and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'s> {
    /// As it stands in the source, quotes included.
    pub(super) text: &'s str,
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Token<'_> {
    /// An error about this word.
    pub(super) fn error(&self, kind: AsmErrorKind) -> AsmError {
        AsmError {
            line: self.line,
            column: self.column,
            word: String::from(self.text),
            kind,
        }
    }

    /// An error about something missing after this word.
    pub(super) fn missing(&self) -> AsmError {
        AsmError {
            line: self.line,
            column: self.column + self.text.chars().count() as u32,
            word: String::new(),
            kind: AsmErrorKind::MissingOperand,
        }
    }
}

/// The words of a line, and what is wrong after them. `;` comments out the rest of it, `{`
/// everything up to `}`.
pub(super) fn tokens(line: u32, source: &str) -> (Vec<Token<'_>>, Option<AsmError>) {
    let mut tokens = Vec::new();
    let mut rest = source;
    let mut column = 1;
    while let Some(first) = rest.chars().next() {
        let token = |len: usize| Token {
            text: &rest[..len],
            line,
            column,
        };
        let len = match first {
            ';' => break,
            '{' => match rest.find('}') {
                Some(end) => end + 1,
                None => {
                    let fault = token(1).error(AsmErrorKind::UnterminatedComment);
                    return (tokens, Some(fault));
                }
            },
            '"' | '\'' => {
                let Some(len) = quoted_len(rest, first) else {
                    let fault = token(rest.len()).error(AsmErrorKind::UnterminatedText);
                    return (tokens, Some(fault));
                };
                // 'a'+1 is one word.
                let len = match first {
                    '"' => len,
                    _ => len + word_len(&rest[len..]),
                };
                tokens.push(token(len));
                len
            }
            space if space.is_whitespace() => space.len_utf8(),
            _ => {
                let len = word_len(rest);
                tokens.push(token(len));
                len
            }
        };
        column += rest[..len].chars().count() as u32;
        rest = &rest[len..];
    }
    (tokens, None)
}

/// The length of the word that `source` starts with.
fn word_len(source: &str) -> usize {
    let ends = |c: char| c.is_whitespace() || matches!(c, ';' | '{' | '"');
    source.find(ends).unwrap_or(source.len())
}

/// The length of a quoted text that `source` starts with, quotes included.
pub(super) fn quoted_len(source: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (index, c) in source.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return Some(index + 1),
            _ => {}
        }
    }
    None
}

/// The bytes of a quoted text.
pub(super) fn unquote(token: &Token<'_>) -> Result<Vec<u8>, AsmError> {
    let unknown = || token.error(AsmErrorKind::UnknownEscape);
    let mut bytes = Vec::new();
    let mut chars = token.text[1..token.text.len() - 1].chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        bytes.push(match chars.next() {
            Some('n') => b'\n',
            Some('t') => b'\t',
            Some('0') => 0,
            Some('x') => {
                let mut digit = || {
                    chars
                        .next()
                        .and_then(|c| c.to_digit(16))
                        .ok_or_else(unknown)
                };
                (digit()? * 16 + digit()?) as u8
            }
            Some(c @ ('\\' | '"' | '\'')) => c as u8,
            _ => return Err(unknown()),
        });
    }
    Ok(bytes)
}
