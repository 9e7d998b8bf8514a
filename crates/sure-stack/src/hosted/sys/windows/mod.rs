//! Windows: its API, declared here as far as it is used (`kernel32.dll`, which the standard
//! library links too).
//!
//! Coroutines run on threads of the system there (the portable backend of `sure-context`), so
//! there are no handlers of overflows: a thread that overflows is reported by the standard library.

pub(crate) mod limits;
pub(crate) mod lock;
pub(crate) mod memory;
pub(crate) mod thread;
