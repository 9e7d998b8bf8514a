//! What every architecture must do: one battery, run on each in debug and in release.

#![cfg_attr(
    any(
        target_arch = "mips",
        target_arch = "mips32r6",
        target_arch = "mips64",
        target_arch = "mips64r6",
        target_arch = "sparc64"
    ),
    feature(asm_experimental_arch)
)]

// The portable backend has threads of the system where the others have frames in given memory.
#[cfg(not(sure_context_portable))]
mod backtrace;
#[cfg(not(sure_context_portable))]
mod descend;
mod fiber;
mod random;
#[cfg(not(sure_context_portable))]
mod registers;
mod switches;
mod values;
