#![cfg_attr(not(feature = "std"), no_std)]
#![doc = include_str!("../README.md")]

#[cfg(feature = "std")]
mod arena;
#[cfg(feature = "std")]
mod colour;
mod error;
#[cfg(feature = "std")]
mod fault;
#[cfg(feature = "std")]
mod guard;
#[cfg(feature = "std")]
mod header;
#[cfg(feature = "std")]
mod index;
#[cfg(feature = "std")]
mod limits;
#[cfg(feature = "std")]
mod locate;
#[cfg(feature = "std")]
mod lock;
#[cfg(feature = "std")]
mod map_count;
#[cfg(feature = "std")]
mod mmap;
#[cfg(feature = "std")]
pub mod overflow;
#[cfg(feature = "std")]
mod pool;
#[cfg(feature = "std")]
mod registry;
mod stack;
#[cfg(feature = "std")]
mod sys;
#[cfg(feature = "std")]
mod usage;

#[cfg(feature = "std")]
pub use arena::{ArenaConfig, ArenaStack, ArenaStatistics, Reclaim, StackArena};
pub use error::StackError;
#[cfg(feature = "std")]
pub use guard::{GUARD_SIZE, Guards};
#[cfg(feature = "std")]
pub use limits::Limit;
#[cfg(feature = "std")]
pub use locate::stack_at;
#[cfg(feature = "std")]
pub use mmap::GuardedMmapStack;
#[cfg(feature = "std")]
pub use pool::{PoolConfig, PoolStatistics, PooledStack};
pub use stack::{Stack, StackSize};
#[cfg(feature = "std")]
pub use usage::{Bucket, UsageReport, high_water_mark};

/// The usual size of a stack: 256 KiB, of which only touched pages take memory.
pub const DEFAULT_STACK_SIZE: usize = 256 << 10;
