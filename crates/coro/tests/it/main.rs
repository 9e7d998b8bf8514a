//! The behaviour of coroutines, from outside.

mod backtrace;
mod crashes;
mod drops;
mod lifecycle;
mod model;
mod nesting;
mod panics;
mod stacks;
mod threads;
mod values;
