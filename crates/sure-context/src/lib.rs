#![no_std]
#![doc = include_str!("../README.md")]

mod arch;
mod context;
mod hint;
mod parent;
mod sanitizer;
mod trampoline;
mod word;

pub use context::{Arrival, ExecutionContext, Signal, stack_pointer};
pub use hint::{prefetch, speculate};
pub use parent::ParentLink;
pub use trampoline::{Departure, FnTrampoline, StackTooSmall, Trampoline, prepare};
pub use word::Word;
