//! What the tests of several crates share: child processes whose death is
//! examined, destructors that are counted, and fixed random numbers.

pub mod child;
mod drops;
mod random;

pub use drops::{Counted, Drops, OnDrop};
pub use random::{Random, cases};
