//! What `coro` needs of the system for its own diagnostics. It is for that crate alone, and
//! changes without notice.

use super::sys;

/// The kernel's number of the calling thread.
pub fn kernel_thread() -> u32 {
    sys::thread::number().unsigned_abs()
}
