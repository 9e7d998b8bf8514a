//! The parts of the work that are the same for all: so a peer's file has only what is its own.

pub mod calls;
pub mod external;
pub mod json;
pub mod lock;
pub mod pipeline;
pub mod tree;
pub mod turns;
