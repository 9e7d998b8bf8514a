//! The time since tracking began.

use core::time::Duration;
use std::sync::OnceLock;
use std::time::Instant;

static BEGINNING: OnceLock<Instant> = OnceLock::new();

/// By the monotonic clock.
pub(super) fn now() -> Duration {
    BEGINNING.get_or_init(Instant::now).elapsed()
}
