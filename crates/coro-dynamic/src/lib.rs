// Links of the README to items: here to these docs, elsewhere by its own list to docs.rs.
#![doc = include_str!("links.md")]
#![doc = include_str!("../README.md")]

#[cfg(any(sure_context_portable, windows))]
compile_error!(
    "coro-dynamic copies the frames of suspended coroutines, which the portable backend of \
     sure-context keeps on threads of the system: it needs a target with a context switch of its own"
);

mod arena;
mod class;
mod coroutine;
mod delta;
mod error;
mod handle;
mod header;
mod known;
mod region;
mod root;
mod run_stack;
mod scheduler;
mod thread;

pub use coro::{CoroutineState, ForcedUnwind, Status, is_forced_unwind};
pub use coroutine::{DynamicCoroutine, leaked};
pub use error::{Refusal, UnwindError};
pub use handle::DynamicHandle;
pub use run_stack::RunStack;
pub use scheduler::{RunError, Scheduler, Task, TaskId, TaskInfo};

/// A coroutine that was not resumed: the input that could not be delivered, and the reason.
pub type ResumeError<Input> = coro::ResumeError<Input, Refusal>;
