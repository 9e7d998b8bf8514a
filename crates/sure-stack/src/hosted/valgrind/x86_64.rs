//! x86-64: the address of the words in rax; the answer of no valgrind, then that of valgrind, in rdx.

use core::arch::asm;

/// What valgrind answers to a request and its five arguments; without it, `answer`.
pub(super) fn request(answer: usize, words: &[usize; 6]) -> usize {
    let mut answer = answer;
    // SAFETY: rdi is rotated by 128 bits, which is not at all, and rbx is exchanged with itself. Valgrind reads the words,
    // and changes rdx and what it knows of memory.
    unsafe {
        asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") words,
            inout("rdx") answer,
            options(nostack),
        );
    }
    answer
}
