//! The behaviour of stacks, from outside.

mod arena;
mod faults;
mod fork;
mod guards;
mod limits;
mod overflow;
mod pool;
mod resident;
mod sizes;
mod usage;
