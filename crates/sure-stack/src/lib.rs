#![cfg_attr(not(feature = "std"), no_std)]
// Links of the README to items: here to these docs, elsewhere by its own list to docs.rs.
#![doc = include_str!("links.md")]
#![doc = include_str!("../README.md")]

// What needs an operating system, or stands in for it: the only choice of this
// crate by feature.
#[cfg_attr(not(feature = "std"), path = "bare.rs")]
mod hosted;

mod error;
mod limit;
mod stack;

pub use error::StackError;
pub use hosted::*;
pub use limit::Limit;
pub use stack::{Stack, StackSize};

/// The usual size of a stack: 256 KiB, of which only touched pages take memory.
pub const DEFAULT_STACK_SIZE: usize = 256 << 10;
