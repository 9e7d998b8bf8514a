//! How control moves: what an instruction asks of the loop that executes it, and when that ends.

use crate::ErrorCode;

/// What an instruction asks of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// To go on.
    Normal,
    /// To return from a function, or to end the fiber.
    Return,
    /// To let another fiber run.
    Yield,
    /// To call a host function. Outside the loop, because it may touch any fiber.
    Host(u8),
}

/// Why the loop was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    Done,
    Yielded,
    Panicked(ErrorCode),
    OutOfFuel,
    Host(u8),
}

/// How long the careful interpreter goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// For one instruction.
    One,
    /// For at least so many instructions, and then until control goes elsewhere than to the next:
    /// there, a block may begin.
    Transfer(u32),
    /// Until the loop is left.
    Left,
}
