#![doc = include_str!("../README.md")]

mod arena;
mod class;
mod coroutine;
mod delta;
mod error;
mod handle;
mod header;
mod region;
mod root;
mod run_stack;
mod scheduler;
mod thread;
mod transfer;

pub use coro::{CoroutineState, Status, is_forced_unwind};
pub use coroutine::{DynamicCoroutine, leaked};
pub use error::{Refusal, ResumeError, UnwindError};
pub use handle::DynamicHandle;
pub use run_stack::RunStack;
pub use scheduler::{RunError, Scheduler, Task, TaskId};
