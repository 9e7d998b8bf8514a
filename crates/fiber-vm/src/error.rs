//! What can go wrong: inside a fiber ([`ErrorCode`]) and for the embedder.

use core::fmt;
use core::num::NonZeroU16;

/// Why a fiber panicked: the number that its `err` holds, never 0.
///
/// The machine's own codes are the constants here; programs and host functions panic with any
/// other number they like.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorCode(NonZeroU16);

macro_rules! codes {
    ($($(#[$doc:meta])* $constant:ident = $value:literal, $name:literal;)*) => {
        impl ErrorCode {
            $($(#[$doc])* pub const $constant: ErrorCode = ErrorCode(NonZeroU16::new($value).unwrap());)*

            /// The machine's own codes with their names in the text form.
            pub const NAMED: &'static [(&'static str, ErrorCode)] =
                &[$(($name, ErrorCode::$constant)),*];
        }
    };
}

codes! {
    /// A panic with the code 0.
    INTERN = 0xE001, "E_intern";
    /// No such device operation.
    DEVICE = 0xE007, "E_dv";
    /// Memory access at address 0.
    NULL = 0xE0A1, "E_null";
    /// Memory access past the end of memory, or a locals pointer outside the locals stack.
    OUT_OF_BOUNDS = 0xE0A2, "E_oob";
    /// A pop of an empty stack.
    STACK_UNDERFLOW = 0xE0A3, "E_stkUnd";
    /// A push on a full stack.
    STACK_OVERFLOW = 0xE0A4, "E_stkOvr";
    /// Not a multiple of four.
    ALIGN4 = 0xE0A6, "E_align4";
    /// Division by zero.
    DIVIDE_BY_ZERO = 0xE0A7, "E_divZero";
    /// A host function ran out of something, such as free fibers.
    OUT_OF_MEMORY = 0xE0A8, "E_oom";
    /// A large function with more than 252 bytes of locals.
    LOCALS_SIZE = 0xE0A9, "E_xlSz";
    /// No such instruction.
    INSTRUCTION = 0xE0C1, "E_cInstr";
    /// No such register.
    REGISTER = 0xE0D1, "E_cReg";
}

impl ErrorCode {
    /// The code of that number; 0, which means "no error" in `err`, becomes [`ErrorCode::INTERN`].
    pub const fn new(code: u16) -> ErrorCode {
        match NonZeroU16::new(code) {
            Some(code) => ErrorCode(code),
            None => ErrorCode::INTERN,
        }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0.get()
    }

    /// The name in the text form, for the machine's own codes.
    pub fn name(self) -> Option<&'static str> {
        Self::NAMED
            .iter()
            .find(|(_, code)| *code == self)
            .map(|(name, _)| *name)
    }
}

/// A code on a path that is hardly ever taken: it keeps the interpreter's checks down to a compare
/// and a branch, where the compiler would else prepare each code in a register beforehand.
#[inline(always)]
pub(crate) fn rare(code: ErrorCode) -> ErrorCode {
    core::hint::cold_path();
    code
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "{:X}", self.get()),
        }
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ErrorCode({self})")
    }
}

impl core::error::Error for ErrorCode {}

/// Why a [`Vm`](crate::Vm) could not be made.
///
/// Non-exhaustive: a configuration may get more fields, which can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The working stack's depth is 0 or over 65,535.
    WorkingStackDepth(u32),
    /// The call stack's depth is 0 or over 65,535.
    CallStackDepth(u32),
    /// The memory's size is 0 or not a multiple of four.
    MemorySize(u32),
    /// The locals stack's size is not a multiple of four.
    LocalsSize(u32),
    /// Memory and locals stacks together pass what 32 bits can address, or what this host can.
    TooLarge,
    /// The host has no memory for it.
    OutOfMemory,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::WorkingStackDepth(depth) => {
                write!(f, "a working stack of {depth} words: choose 1 to 65535")
            }
            ConfigError::CallStackDepth(depth) => {
                write!(f, "a call stack of {depth} frames: choose 1 to 65535")
            }
            ConfigError::MemorySize(bytes) => {
                write!(
                    f,
                    "a memory of {bytes} bytes: choose a multiple of 4, at least 4"
                )
            }
            ConfigError::LocalsSize(bytes) => {
                write!(f, "a locals stack of {bytes} bytes: choose a multiple of 4")
            }
            ConfigError::TooLarge => f.write_str(
                "memory and locals stacks do not fit into 32 bits of address: ask for fewer \
                 fibers or less memory",
            ),
            ConfigError::OutOfMemory => {
                f.write_str("the host has no memory for it: ask for fewer fibers or less memory")
            }
        }
    }
}

impl core::error::Error for ConfigError {}

/// Why the embedder's request about a fiber was refused; nothing changed.
///
/// Non-exhaustive: there may be more reasons, and nothing has changed after any of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FiberError {
    /// Its fiber has been freed.
    Unknown,
    /// All places that the configuration allows are in use, or retired (see
    /// [`Vm::free`](crate::Vm::free)).
    NoneFree,
    /// Its working stack is full.
    StackFull,
    /// It is on the list of fibers to run, and must be removed first.
    Listed,
    /// It is the fiber that is running.
    Running,
}

impl fmt::Display for FiberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FiberError::Unknown => "the fiber has been freed",
            FiberError::NoneFree => "no fiber is free: raise Config::fibers or free some",
            FiberError::StackFull => "the fiber's working stack is full: raise Config::ws_depth",
            FiberError::Listed => "the fiber is still on the list: remove it first",
            FiberError::Running => "the fiber is running",
        })
    }
}

impl core::error::Error for FiberError {}

/// Why a host function could not be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostNumberError(
    /// The number, which lies outside 40 to 7F (hexadecimal).
    pub u8,
);

impl fmt::Display for HostNumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "host function {:02X}: choose a number from 40 to 7F (hexadecimal)",
            self.0
        )
    }
}

impl core::error::Error for HostNumberError {}
