//! Functions of a single instruction: an architecture names the instruction.

/// Defines `stack_pointer`, which reads that register.
///
/// `pure` lets the compiler merge and move reads within a function, into which
/// others may have been inlined. That is harmless: while a function runs, its
/// frame stays on one stack, and this answers only on which. A switch in between
/// returns on the stack that it left (`coro-dynamic` puts frames back to where
/// they were, and a stack that continues on another thread is still that stack).
/// Code of another stack is never part of the function: it is entered by a jump
/// from assembly, to an address that the compiler cannot see through. No caller
/// may rely on more than the stack and, within the size of its frame, the place on it.
macro_rules! stack_pointer_is {
    ($instruction:expr) => {
        #[inline(always)]
        pub(crate) fn stack_pointer() -> *mut u8 {
            let sp;
            // SAFETY: it copies a register, touches no memory and no flags.
            unsafe {
                core::arch::asm!(
                    $instruction,
                    out(reg) sp,
                    options(pure, nomem, nostack, preserves_flags),
                )
            };
            sp
        }
    };
}

/// Defines `prefetch`, which asks for the cache line of an address in a
/// register of the class given; without an instruction it does nothing.
macro_rules! prefetch_is {
    ($class:ident, $instruction:expr) => {
        #[inline(always)]
        pub(crate) fn prefetch(address: *const u8) {
            // SAFETY: a hint; any address is allowed and nothing is changed.
            unsafe {
                core::arch::asm!(
                    $instruction,
                    in($class) address,
                    options(readonly, nostack, preserves_flags),
                )
            };
        }
    };
    () => {
        #[inline(always)]
        pub(crate) fn prefetch(_: *const u8) {}
    };
}
