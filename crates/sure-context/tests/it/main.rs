//! What every architecture must do: one battery, run on each in debug and in release.

mod backtrace;
mod fiber;
mod random;
mod registers;
mod switches;
mod values;
