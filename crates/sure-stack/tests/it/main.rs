//! The behaviour of stacks, from outside.

mod guards;
mod limits;
mod pool;
mod sizes;
