//! Functions of a single instruction: an architecture names the instruction.

/// Defines `stack_pointer`, which reads that register.
macro_rules! stack_pointer_is {
    ($instruction:expr) => {
        #[inline(always)]
        pub(crate) fn stack_pointer() -> *mut u8 {
            let sp;
            // SAFETY: reads a register.
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
