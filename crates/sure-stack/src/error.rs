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
    /// The mappings that a process may have are used up, but for some
    /// hundreds that are left for everything else that needs one.
    #[cfg(feature = "std")]
    MapCount {
        /// How many stacks with protected guards the process has now.
        stacks: usize,
        /// `vm.max_map_count`.
        limit: u64,
        /// Whether the system has lightweight guards, which take no mapping.
        /// Arenas and pools use them.
        lightweight_guards: bool,
    },
}

#[cfg(feature = "std")]
impl StackError {
    /// A mapping of `bytes` that was refused.
    pub(crate) fn map(bytes: usize, os: std::io::Error) -> StackError {
        let limit = crate::limits::Limit::behind(&os);
        StackError::Map { bytes, os, limit }
    }

    /// No memory to note down what a mapping of `bytes` is used for.
    pub(crate) fn no_heap(bytes: usize) -> StackError {
        StackError::map(bytes, std::io::Error::from_raw_os_error(libc::ENOMEM))
    }

    /// A guard that was refused.
    pub(crate) fn guard(os: std::io::Error) -> StackError {
        let limit = crate::limits::Limit::behind(&os);
        StackError::Guard { os, limit }
    }
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
            #[cfg(feature = "std")]
            StackError::MapCount {
                stacks,
                limit,
                lightweight_guards,
            } => {
                let instead = if *lightweight_guards {
                    "take stacks from an arena or a pool with automatic guards, which take none here"
                } else {
                    "use a system with lightweight guards (Linux 6.13)"
                };
                write!(
                    f,
                    "no guard below another stack: {stacks} have one that takes two mappings, and a \
                     process may have {limit}; raise vm.max_map_count, or {instead}"
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
