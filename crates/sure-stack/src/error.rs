use crate::Limit;
use crate::hosted::OsError;
use core::fmt;

/// What a user can do: glibc has a tunable for it (its manual, "Hardware Capability Tunables").
const WITHOUT_SHADOW_STACK: &str = if cfg!(target_arch = "x86_64") {
    "start the program with GLIBC_TUNABLES=glibc.cpu.x86_shstk=off, or build it"
} else if cfg!(target_arch = "aarch64") {
    "start the program with GLIBC_TUNABLES=glibc.cpu.aarch64_gcs=0, or build it"
} else {
    "build the program"
};

/// Why there is no stack.
///
/// Non-exhaustive: systems have more ways to refuse memory, and a caller can only do without the stack.
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
    Map {
        /// The size of the refused mapping, guard included, in bytes.
        bytes: usize,
        /// What the operating system said.
        os: OsError,
        /// Which limit is the likely reason.
        limit: Limit,
    },
    /// The operating system refused to protect the guard.
    Guard {
        /// What the operating system said.
        os: OsError,
        /// Which limit is the likely reason.
        limit: Limit,
    },
    /// The operating system refused a signal handler, or an alternate stack for one.
    Signals {
        /// What the operating system said.
        os: OsError,
    },
    /// The processor checks every return against a shadow stack (x86-64's CET, AArch64's GCS,
    /// RISC-V's Zicfiss), which a switch to another stack does not exchange: the first return
    /// there would be a fault.
    ShadowStack,
    /// The operating system refused a thread, where each coroutine is one (the portable backend
    /// of `sure-context`).
    Thread {
        /// What the operating system said.
        os: OsError,
    },
    /// The mappings that a process may have are used up, but for some
    /// hundreds that are left for everything else that needs one.
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
            StackError::Map { bytes, os, limit } => {
                write!(f, "no mapping of {bytes} bytes for a stack: {os}; {limit}")
            }
            StackError::Guard { os, limit } => {
                write!(f, "no guard below a stack: {os}; {limit}")
            }
            StackError::Signals { os } => {
                write!(
                    f,
                    "no handler of stack overflows: {os}; go on without, or let the sandbox allow \
                     sigaction and sigaltstack"
                )
            }
            StackError::ShadowStack => {
                write!(
                    f,
                    "no stack to switch to: this process has a shadow stack, against which the \
                     processor checks every return, and a switch does not exchange it; \
                     {WITHOUT_SHADOW_STACK} without the mark that asks for one"
                )
            }
            StackError::Thread { os } => {
                write!(
                    f,
                    "no thread to run on: {os}; with the portable backend of sure-context each \
                     coroutine is one, and the system limits their number and their memory"
                )
            }
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
            StackError::Map { os, .. }
            | StackError::Guard { os, .. }
            | StackError::Signals { os }
            | StackError::Thread { os } => Some(os),
            _ => None,
        }
    }
}
