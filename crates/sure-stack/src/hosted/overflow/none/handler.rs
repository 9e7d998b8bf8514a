//! Without signals there is no handler.

use crate::StackError;

pub(super) fn is_installed() -> bool {
    false
}

pub(super) fn install() -> Result<(), StackError> {
    let os = std::io::ErrorKind::Unsupported.into();
    Err(StackError::Signals { os })
}
