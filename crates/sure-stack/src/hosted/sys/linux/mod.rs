//! Linux, Android among it.

pub(crate) mod file;
#[cfg(target_os = "linux")]
pub(crate) mod helper;
pub(crate) mod limits;
pub(crate) mod memory;
pub(crate) mod signal;
pub(crate) mod thread;

pub(crate) use super::unix::{lock, process, wake};
