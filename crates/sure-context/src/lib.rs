#![no_std]
// Assembly for these is not stable yet; on any other target this line is not there.
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
// Links of the README to items: here to these docs, elsewhere by its own list to docs.rs.
#![doc = include_str!("links.md")]
#![doc = include_str!("../README.md")]

#[cfg(any(sure_context_portable, windows, sure_context_asan, sure_context_tsan))]
extern crate std;

mod arch;
mod context;
mod descend;
mod fresh;
mod hint;
mod parent;
mod sanitizer;
mod trampoline;
mod windows;
mod word;

pub use context::{Arrival, ExecutionContext, Signal, stack_pointer};
pub use descend::{DESCENT, Descent, descend};
pub use hint::{prefetch, speculate};
pub use parent::ParentLink;
pub use trampoline::{
    Departure, FIRST_FRAME_SIZE, FnTrampoline, NoThread, Trampoline, prepare, prepare_within,
    try_prepare_within,
};
pub use windows::flush_windows;
pub use word::Word;
