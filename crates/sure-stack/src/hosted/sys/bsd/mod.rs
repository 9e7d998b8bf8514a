//! Apple's systems, and FreeBSD.

pub(crate) mod limits;
pub(crate) mod memory;
pub(crate) mod signal;
pub(crate) mod thread;

pub(crate) use super::unix::{lock, process, wake};
