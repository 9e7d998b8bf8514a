//! Very many parsers suspended in the middle of documents of very different
//! depth: each costs what its own recursion uses.
//!
//! ```text
//! cargo run --release --example parser -- 20000
//! ```
//!
//! The parser is the textbook's: it calls itself for every bracket, and asks
//! for the next byte wherever it needs one. The documents arrive a few bytes at
//! a time, so it is suspended wherever the bytes happen to end.

use coro_dynamic::{CoroutineState, DynamicCoroutine, DynamicHandle};
use std::collections::BTreeMap;

/// Receives a byte, or `None` at the end; returns the sum of all numbers, or
/// what is wrong with the document.
type Parser = DynamicCoroutine<Option<u8>, (), Result<u64, String>>;

/// A byte source of which one byte can be looked at in advance.
struct Input<'a> {
    handle: &'a DynamicHandle<Option<u8>, ()>,
    next: Option<u8>,
}

impl Input<'_> {
    fn peek(&self) -> Option<u8> {
        self.next
    }

    /// Waits for the next byte.
    fn advance(&mut self) {
        self.next = self.handle.suspend(());
    }
}

/// `value = number | "[" [value ("," value)*] "]"`: the sum of the numbers.
fn value(input: &mut Input<'_>) -> Result<u64, String> {
    match input.peek() {
        Some(b'[') => list(input),
        Some(digit) if digit.is_ascii_digit() => Ok(number(input)),
        other => Err(format!("a value begins with {:?}", other.map(char::from))),
    }
}

fn list(input: &mut Input<'_>) -> Result<u64, String> {
    let mut sum = 0;
    input.advance();
    if input.peek() == Some(b']') {
        input.advance();
        return Ok(sum);
    }
    loop {
        sum += value(input)?;
        match input.peek() {
            Some(b',') => input.advance(),
            Some(b']') => break,
            other => return Err(format!("a list goes on with {:?}", other.map(char::from))),
        }
    }
    input.advance();
    Ok(sum)
}

fn number(input: &mut Input<'_>) -> u64 {
    let mut number = 0;
    while let Some(digit) = input.peek().filter(u8::is_ascii_digit) {
        number = number * 10 + u64::from(digit - b'0');
        input.advance();
    }
    number
}

fn parser() -> Parser {
    // SAFETY: the input stands in the coroutine's own frames, and borrows
    // nothing but the handle; bytes come in by value.
    unsafe {
        DynamicCoroutine::new(|handle, next| {
            let mut input = Input { handle, next };
            let sum = value(&mut input)?;
            match input.peek() {
                None => Ok(sum),
                Some(byte) => Err(format!("it goes on with {:?}", char::from(byte))),
            }
        })
    }
}

/// A document that nests `depth` lists, and the sum of its numbers.
fn document(depth: usize) -> (Vec<u8>, u64) {
    let mut text = Vec::new();
    for level in 0..depth {
        text.extend_from_slice(format!("[{level},").as_bytes());
    }
    text.push(b'7');
    text.resize(text.len() + depth, b']');
    (text, 7 + (0..depth as u64).sum::<u64>())
}

fn main() {
    let many = std::env::args().nth(1).and_then(|n| n.parse().ok());
    let many: usize = many.unwrap_or(20_000);
    // Most are shallow; one in a thousand nests a thousand lists.
    let depth = |n: usize| match n % 1000 {
        0 => 1000,
        n if n % 100 == 0 => 100,
        n => n % 10,
    };
    let documents: BTreeMap<usize, _> = (0..1000).map(depth).map(|d| (d, document(d))).collect();

    // Every parser goes on up to its document's innermost value.
    let mut parsers: Vec<Parser> = (0..many).map(|_| parser()).collect();
    let mut costs = BTreeMap::new();
    for (n, parser) in parsers.iter_mut().enumerate() {
        let (text, _) = &documents[&depth(n)];
        let middle = text.iter().position(|&byte| byte == b']');
        for &byte in &text[..middle.unwrap_or(text.len())] {
            assert_eq!(parser.resume(Some(byte)), CoroutineState::Yielded(()));
        }
        costs.insert(depth(n), parser.saved_bytes());
    }
    let total: usize = parsers.iter().map(DynamicCoroutine::saved_bytes).sum();
    println!("{many} parsers are suspended in {total} bytes of frames");
    println!("{:>12} {:>12}", "nested lists", "bytes each");
    for (depth, bytes) in &costs {
        println!("{depth:>12} {bytes:>12}");
    }

    // And now the rest, in any order.
    for (n, parser) in parsers.iter_mut().enumerate().rev() {
        let (text, sum) = &documents[&depth(n)];
        let middle = text.iter().position(|&byte| byte == b']');
        for &byte in &text[middle.unwrap_or(text.len())..] {
            assert_eq!(parser.resume(Some(byte)), CoroutineState::Yielded(()));
        }
        assert_eq!(parser.resume(None), CoroutineState::Complete(Ok(*sum)));
    }
    println!("all have ended with the right sum");
}
