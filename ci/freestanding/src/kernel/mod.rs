//! Linux, without a C library: text goes out, the program ends, the environment is read.

use core::fmt;

sure_context::select_by_architecture! {
    mod isa;
}

use isa::{EXIT, WRITE, system_call};

/// Standard output.
pub(crate) struct Output;

impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // SAFETY: `write` to standard output, of bytes that may be read.
        unsafe { system_call(1, text.as_ptr().addr(), text.len(), WRITE) };
        Ok(())
    }
}

/// Ends the program.
pub(crate) fn exit(code: usize) -> ! {
    loop {
        // SAFETY: `exit` takes any number, and does not return.
        unsafe { system_call(code, 0, 0, EXIT) };
    }
}

/// The number in the environment that follows the bytes `name`, which end in `=`.
///
/// # Safety
/// `stack` is the stack pointer that the program was started with.
pub(crate) unsafe fn variable(stack: *const usize, name: &[u8]) -> Option<usize> {
    // SAFETY: the number of arguments, then the arguments and a 0, then the environment and a 0.
    let mut next = unsafe { stack.add(1 + stack.read() + 1) }.cast::<*const u8>();
    loop {
        // SAFETY: the 0 at the end has not been passed.
        let mut text = unsafe { next.read() };
        if text.is_null() {
            return None;
        }
        // SAFETY: this was not the 0 at the end, so there is an entry behind it; texts end with a
        // byte of 0, at which the comparison ends.
        unsafe {
            next = next.add(1);
            if !name
                .iter()
                .enumerate()
                .all(|(index, byte)| text.add(index).read() == *byte)
            {
                continue;
            }
            text = text.add(name.len());
            let mut number = 0;
            while text.read().is_ascii_digit() {
                number = number * 10 + usize::from(text.read() - b'0');
                text = text.add(1);
            }
            return Some(number);
        }
    }
}
