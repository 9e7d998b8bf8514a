//! Choices, read from bytes.

use std::cell::{Cell, RefCell};

/// The bytes of a program, which are read once, from the front, by all of its parts.
#[derive(Default)]
pub(crate) struct Bytes {
    bytes: RefCell<Vec<u8>>,
    at: Cell<usize>,
}

impl Bytes {
    pub(crate) fn new(bytes: &[u8]) -> Bytes {
        Bytes {
            bytes: RefCell::new(bytes.to_vec()),
            at: Cell::new(0),
        }
    }

    /// Begins another program.
    pub(crate) fn reset(&self, bytes: &[u8]) {
        self.bytes.replace(bytes.to_vec());
        self.at.set(0);
    }

    /// The next byte; `None` at the end, where every part of a program finishes what it is about.
    pub(crate) fn next(&self) -> Option<u8> {
        let byte = self.bytes.borrow().get(self.at.get()).copied()?;
        self.at.set(self.at.get() + 1);
        Some(byte)
    }

    /// A number below `end`, which is at most 256; 0 at the end of the bytes.
    pub(crate) fn below(&self, end: usize) -> usize {
        usize::from(self.next().unwrap_or(0)) % end
    }

    pub(crate) fn flag(&self) -> bool {
        self.below(2) == 1
    }
}
