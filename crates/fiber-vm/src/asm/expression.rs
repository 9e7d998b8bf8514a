//! Operands: numbers, characters, names, and sums of them.

use super::error::{AsmError, AsmErrorKind};
use super::token::{Token, quoted_len, unquote};

/// The value of a word, with names looked up in `names`.
///
/// Sums are 64 bits wide: what does not fit an operand is seen when it is encoded.
pub(super) fn evaluate(
    token: &Token<'_>,
    names: impl Fn(&str) -> Option<u32>,
) -> Result<i64, AsmError> {
    let mut sum = 0_i64;
    let mut rest = token.text;
    let mut negative = false;
    if let Some(tail) = rest.strip_prefix('-') {
        (rest, negative) = (tail, true);
    }
    loop {
        let end = term_len(rest);
        let value = term(token, &rest[..end], &names)?;
        let too_large = || token.error(AsmErrorKind::NumberTooLarge { max: u32::MAX });
        sum = sum
            .checked_add(if negative { -value } else { value })
            .ok_or_else(too_large)?;
        rest = &rest[end..];
        match rest.chars().next() {
            None => return Ok(sum),
            Some(sign) => (rest, negative) = (&rest[1..], sign == '-'),
        }
    }
}

/// The length of the term that `source` starts with: up to the next sign outside quotes.
fn term_len(source: &str) -> usize {
    let start = match source.starts_with('\'') {
        true => quoted_len(source, '\'').unwrap_or(source.len()),
        false => 0,
    };
    source[start..]
        .find(['+', '-'])
        .map_or(source.len(), |end| start + end)
}

fn term(
    token: &Token<'_>,
    text: &str,
    names: impl Fn(&str) -> Option<u32>,
) -> Result<i64, AsmError> {
    let part = Token { text, ..*token };
    match text.chars().next() {
        Some('\'') if text.len() >= 2 && text.ends_with('\'') => {
            // The error is about the whole word: where in it a term stands is not known here.
            let bytes = unquote(&part).map_err(|error| token.error(error.kind))?;
            match bytes[..] {
                [byte] => Ok(i64::from(byte)),
                _ => Err(token.error(AsmErrorKind::InvalidNumber)),
            }
        }
        Some(digit) if digit.is_ascii_digit() => number(token, text),
        _ if is_name(text) => match names(text) {
            Some(value) => Ok(i64::from(value)),
            None => Err(token.error(AsmErrorKind::UnknownName)),
        },
        _ => Err(token.error(AsmErrorKind::InvalidNumber)),
    }
}

/// A number in decimal, or in hexadecimal after `0x` or binary after `0b`, at most 32 bits.
fn number(token: &Token<'_>, text: &str) -> Result<i64, AsmError> {
    let (digits, radix) = match text.get(..2) {
        Some("0x") => (&text[2..], 16),
        Some("0b") => (&text[2..], 2),
        _ => (text, 10),
    };
    let mut value = None;
    for c in digits.chars().filter(|&c| c != '_') {
        let digit = c
            .to_digit(radix)
            .ok_or_else(|| token.error(AsmErrorKind::InvalidNumber))?;
        let larger = value.unwrap_or(0) * i64::from(radix) + i64::from(digit);
        if larger > i64::from(u32::MAX) {
            return Err(token.error(AsmErrorKind::NumberTooLarge { max: u32::MAX }));
        }
        value = Some(larger);
    }
    value.ok_or_else(|| token.error(AsmErrorKind::InvalidNumber))
}

/// Whether a word can name a label or a constant.
pub(super) fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
}

/// A value in `bytes` bytes: unsigned, or negative in two's complement.
pub(super) fn fit(token: &Token<'_>, value: i64, bytes: u32) -> Result<u32, AsmError> {
    let max = u32::MAX >> (32 - 8 * bytes);
    let min = -(i64::from(max / 2) + 1);
    if (min..=i64::from(max)).contains(&value) {
        Ok(value as u32 & max)
    } else {
        Err(token.error(AsmErrorKind::NumberTooLarge { max }))
    }
}
