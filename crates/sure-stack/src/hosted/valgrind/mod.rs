//! Valgrind is told which memory is a stack, so that it takes a switch for a switch, and not for a frame of megabytes.
//!
//! That is asked by *client requests*: a sequence of instructions that leaves every register as it was on a processor,
//! and that valgrind knows when it translates the program. The request, its arguments and the answer are in registers; which
//! ones, and the sequence, is in the manual ("The client request mechanism") and in the public header `valgrind.h`. Elsewhere
//! than on x86-64 and 64-bit Arm nothing is asked: there, programs have to be run with `--max-stackframe`.

use core::ptr::NonNull;

#[cfg(target_arch = "x86_64")]
#[path = "x86_64.rs"]
mod machine;

#[cfg(target_arch = "aarch64")]
#[path = "aarch64.rs"]
mod machine;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod machine {
    /// Nothing is asked.
    pub(super) fn request(answer: usize, _: &[usize; 6]) -> usize {
        answer
    }
}

/// `VALGRIND_STACK_REGISTER`: the arguments are the lowest and the highest address; the answer is a number.
const REGISTER: usize = 0x1501;
/// `VALGRIND_STACK_DEREGISTER`: the argument is that number.
const DEREGISTER: usize = 0x1502;
/// Memcheck's `VALGRIND_MAKE_MEM_UNDEFINED`, "MC" and 1: the arguments are an address and a size; the
/// answer is not 0.
const MAKE_UNDEFINED: usize = (b'M' as usize) << 24 | (b'C' as usize) << 16 | 1;

/// What is answered where there is no valgrind; no stack has that number.
const NONE: usize = usize::MAX;

/// The number of a stack, until it is dropped; or nothing, outside of valgrind.
#[derive(Debug)]
pub(crate) struct KnownStack(usize);

impl KnownStack {
    /// Says that `limit..base` is a stack.
    pub(crate) fn new(limit: NonNull<u8>, base: NonNull<u8>) -> KnownStack {
        let (limit, base) = (limit.addr().get(), base.addr().get());
        KnownStack(machine::request(NONE, &[REGISTER, limit, base, 0, 0, 0]))
    }

    /// Whether valgrind has answered.
    pub(crate) fn is_known(&self) -> bool {
        self.0 != NONE
    }
}

impl Drop for KnownStack {
    fn drop(&mut self) {
        if self.is_known() {
            machine::request(0, &[DEREGISTER, self.0, 0, 0, 0, 0]);
        }
    }
}

/// Lets all of a stack be written again: for memcheck, what lies below a stack pointer must not be.
pub(crate) fn unused(limit: NonNull<u8>, base: NonNull<u8>) {
    make_undefined(limit, base.addr().get() - limit.addr().get());
}

/// Whether memcheck runs the program: another tool of valgrind has no answer to what is asked.
pub(crate) fn is_memcheck() -> bool {
    let nothing = NonNull::<u8>::dangling();
    make_undefined(nothing, 0) != 0
}

fn make_undefined(start: NonNull<u8>, bytes: usize) -> usize {
    machine::request(0, &[MAKE_UNDEFINED, start.addr().get(), bytes, 0, 0, 0])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `RUNNING_ON_VALGRIND`: how many valgrinds there are, one inside of the other.
    const RUNNING: usize = 0x1001;

    #[test]
    fn a_request_is_answered_under_valgrind_and_only_there() {
        let running = machine::request(0, &[RUNNING, 0, 0, 0, 0, 0]);
        let mut memory = [0_u8; 64];
        let start = NonNull::from(&mut memory).cast::<u8>();
        // SAFETY: one past the end.
        let known = KnownStack::new(start, unsafe { start.add(64) });
        assert_eq!(known.is_known(), running > 0);
        // `xtask` says so where it runs the tests under valgrind.
        let expected = std::env::var_os("SURE_TEST_VALGRIND").is_some();
        assert!(!expected || running > 0, "the request was not noticed");
    }
}
