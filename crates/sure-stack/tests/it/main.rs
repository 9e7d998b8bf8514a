//! The behaviour of stacks, from outside.

mod guards;
mod limits;
mod overflow;
mod pool;
mod sizes;
mod usage;
