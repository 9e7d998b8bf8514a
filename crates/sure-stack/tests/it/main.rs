//! The behaviour of stacks, from outside.

mod arena;
mod guards;
mod limits;
mod pool;
mod sizes;
