//! Without signals no stack is needed for their handlers.

use crate::StackError;

pub(super) fn protect_thread() -> Result<(), StackError> {
    Ok(())
}
