//! Text for standard error, without locks or memory from the heap.

use crate::hosted::sys::process;
use core::fmt;

/// A line or some, kept back until [`flush`](Text::flush).
pub(super) struct Text {
    bytes: [u8; 1024],
    len: usize,
}

impl Text {
    pub(super) const fn new() -> Text {
        Text {
            bytes: [0; 1024],
            len: 0,
        }
    }

    /// Adds bytes; those for which there is no room are written at once.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if self.len == self.bytes.len() {
                self.flush();
            }
            self.bytes[self.len] = byte;
            self.len += 1;
        }
    }

    /// Writes all of it to standard error.
    pub(super) fn flush(&mut self) {
        process::write_to_standard_error(&self.bytes[..self.len]);
        self.len = 0;
    }

    /// Takes what is kept back.
    #[cfg(test)]
    pub(super) fn take(&mut self) -> Vec<u8> {
        let len = core::mem::take(&mut self.len);
        self.bytes[..len].to_vec()
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}
