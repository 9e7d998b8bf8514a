//! Blocking code that reads a JSON document, whose bytes come in pieces: what the example `server`
//! does for every connection, without the sockets.

use crate::contestant::Contestant;
use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{self, Read};

/// A piece of the document; the empty one is its end.
pub type Piece = &'static [u8];

/// Takes the pieces one by one; the last one brings the result.
pub type Parser = Box<dyn FnMut(Piece) -> Option<usize>>;

const PIECE: usize = 64;
const DOCUMENT: usize = 4096;

fn document() -> &'static [u8] {
    let mut text = String::from("[");
    let mut number = 0;
    while text.len() < DOCUMENT - 100 {
        let comma = if number == 0 { "" } else { "," };
        write!(
            text,
            r#"{comma}{{"id":{number},"name":"reading {number}","at":[{number}.5,7]}}"#
        )
        .expect("memory");
        number += 1;
    }
    text.push(']');
    Box::leak(text.into_bytes().into_boxed_slice())
}

/// Reads from pieces, asking for the next one where a socket would wait.
struct Pieces<F> {
    piece: Piece,
    next: F,
}

impl<F: FnMut() -> Piece> Read for Pieces<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            self.piece = (self.next)();
        }
        self.piece.read(buffer)
    }
}

/// The blocking code: how many elements the document has.
pub fn parse(first: Piece, next: impl FnMut() -> Piece) -> usize {
    // Two pieces are read ahead, so that a reader of single bytes is not what is measured.
    let reader = io::BufReader::with_capacity(2 * PIECE, Pieces { piece: first, next });
    let value: serde_json::Value = serde_json::from_reader(reader).expect("valid JSON");
    value.as_array().map_or(0, Vec::len)
}

/// Parses the document once in each repetition.
pub fn json(variant: &str, start: impl Fn() -> Parser + 'static) -> Contestant {
    let document = document();
    let elements = document.iter().filter(|&&byte| byte == b'{').count();
    Contestant::new(variant, move |_| {
        let mut parser = start();
        let mut result = None;
        for piece in document.chunks(PIECE).chain([&[][..]]) {
            result = parser(piece).or(result);
        }
        assert_eq!(result, Some(elements), "the whole document is read");
        black_box(result);
    })
}

/// The same blocking code with all of the document at hand: what a peer adds to.
pub fn json_at_once(variant: &str) -> Contestant {
    let document = document();
    Contestant::new(variant, move |_| {
        let mut pieces = document.chunks(PIECE);
        let mut next = move || pieces.next().unwrap_or(&[]);
        black_box(parse(next(), next));
    })
}
