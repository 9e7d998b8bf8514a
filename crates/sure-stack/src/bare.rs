//! Without an operating system there are no stacks but the caller's own.

use core::fmt;

/// An error of the operating system, of which there is none. Exhaustive: it has no variants here.
#[derive(Debug)]
pub enum OsError {}

impl fmt::Display for OsError {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl core::error::Error for OsError {}
