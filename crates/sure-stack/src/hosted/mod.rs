//! Stacks from an operating system. Each module uses only those above it:
//!
//! | module | what it has |
//! |---|---|
//! | `sys` | every call into the system, and failures of them on purpose |
//! | `sanitizer` | what AddressSanitizer is told |
//! | `mapping_budget` | how many more mappings the process may have |
//! | `refusal` | what an error of the system means |
//! | `index`, `registry` | which addresses are stacks, and what they are called |
//! | `locate` | which stack an address is on, for code that asks again and again |
//! | `target`, `guard` | memory that faults, by one of several strategies |
//! | `mapped` | one stack in a mapping |
//! | `arena` | many stacks in few mappings |
//! | `usage` | how much of a stack was used |
//! | `release` | memory of a stack that is in use, given back |
//! | `pool` | stacks that come and go |
//! | `overflow` | the message about a stack that was too small |
//! | `internal` | what `coro` needs of the system, beside stacks |

mod arena;
mod guard;
mod index;
#[doc(hidden)]
pub mod internal;
mod locate;
mod mapped;
mod mapping_budget;
pub mod overflow;
mod pool;
mod refusal;
#[cfg_attr(
    windows,
    allow(dead_code, unused_imports, reason = "what handlers of signals look up")
)]
mod registry;
mod release;
mod sanitizer;
mod sys;
#[cfg_attr(windows, allow(dead_code, reason = "what handlers of signals look up"))]
mod target;
mod usage;

#[cfg(all(test, unix))]
mod failing_calls;

pub use arena::{ArenaConfig, ArenaStack, ArenaStatistics, Reclaim, StackArena};
pub use guard::{GUARD_SIZE, Guards};
pub use locate::stack_at;
pub use mapped::GuardedMmapStack;
pub use pool::{LARGEST_POOLED_SIZE, PoolConfig, PoolStatistics, PooledStack};
pub use release::{release_below, release_below_if};
pub use usage::{Bucket, UsageReport, high_water_mark};

/// An error of the operating system.
pub(crate) type OsError = std::io::Error;

use crate::Stack;
use core::ptr::NonNull;

// SAFETY: the pointee keeps the promises, and a `Box` neither moves nor frees
// it before it is dropped itself. (Not so for `&mut S`: a leaked borrower would
// go on using memory that the owner gets back.)
unsafe impl<S: Stack + ?Sized> Stack for std::boxed::Box<S> {
    fn base(&self) -> NonNull<u8> {
        (**self).base()
    }

    fn limit(&self) -> NonNull<u8> {
        (**self).limit()
    }
}
