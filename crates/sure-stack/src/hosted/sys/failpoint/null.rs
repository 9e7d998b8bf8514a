//! Nothing fails but what the system refuses.

use super::Call;
use std::io;

/// Always `Ok`.
#[inline(always)]
pub(crate) fn check(_: Call) -> io::Result<()> {
    Ok(())
}
