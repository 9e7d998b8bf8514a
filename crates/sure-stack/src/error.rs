use core::fmt;

/// Why there is no stack.
#[derive(Debug)]
#[non_exhaustive]
pub enum StackError {
    /// No stack can have this size: 0 bytes, or more than `isize::MAX` with its guard.
    InvalidSize {
        /// The size asked for, in bytes.
        bytes: usize,
    },
    /// The stack is too small for what is to run on it.
    TooSmall {
        /// The usable size of the stack, in bytes.
        bytes: usize,
        /// The smallest size that would do, in bytes.
        minimum: usize,
    },
    /// The operating system refused the mapping.
    #[cfg(feature = "std")]
    Map {
        /// The size of the refused mapping, guard included, in bytes.
        bytes: usize,
        /// What the operating system said.
        os: std::io::Error,
        /// Which limit is the likely reason.
        limit: crate::limits::Limit,
    },
    /// The operating system refused to protect the guard.
    #[cfg(feature = "std")]
    Guard {
        /// What the operating system said.
        os: std::io::Error,
        /// Which limit is the likely reason.
        limit: crate::limits::Limit,
    },
    /// The operating system refused a signal handler, or an alternate stack for one.
    #[cfg(feature = "std")]
    Signals {
        /// What the operating system said.
        os: std::io::Error,
    },
}

impl fmt::Display for StackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StackError::InvalidSize { bytes } => {
                write!(
                    f,
                    "a stack cannot have {bytes} bytes; use 1 to isize::MAX less its guard"
                )
            }
            StackError::TooSmall { bytes, minimum } => {
                write!(
                    f,
                    "a stack of {bytes} bytes is too small; use at least {minimum}"
                )
            }
            #[cfg(feature = "std")]
            StackError::Map { bytes, os, limit } => {
                write!(f, "no mapping of {bytes} bytes for a stack: {os}; {limit}")
            }
            #[cfg(feature = "std")]
            StackError::Guard { os, limit } => {
                write!(f, "no guard below a stack: {os}; {limit}")
            }
            #[cfg(feature = "std")]
            StackError::Signals { os } => {
                write!(
                    f,
                    "no handler of stack overflows: {os}; go on without, or let the sandbox allow \
                     sigaction and sigaltstack"
                )
            }
        }
    }
}

impl core::error::Error for StackError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            #[cfg(feature = "std")]
            StackError::Map { os, .. }
            | StackError::Guard { os, .. }
            | StackError::Signals { os } => Some(os),
            _ => None,
        }
    }
}
