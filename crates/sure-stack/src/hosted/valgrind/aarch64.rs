//! 64-bit Arm: the address of the words in x4; the answer of no valgrind, then that of valgrind, in x3.

use core::arch::asm;

/// What valgrind answers to a request and its five arguments; without it, `answer`.
pub(super) fn request(answer: usize, words: &[usize; 6]) -> usize {
    let mut answer = answer;
    // SAFETY: x12 is rotated by 128 bits, which is not at all, and x10 keeps its value. Valgrind reads the words,
    // and changes x3 and what it knows of memory.
    unsafe {
        asm!(
            "ror x12, x12, #3",
            "ror x12, x12, #13",
            "ror x12, x12, #51",
            "ror x12, x12, #61",
            "orr x10, x10, x10",
            in("x4") words,
            inout("x3") answer,
            options(nostack, preserves_flags),
        );
    }
    answer
}
