//! The behaviour of stacks, from outside.

mod arena;
#[cfg(unix)]
mod faults;
#[cfg(unix)]
mod fork;
mod guards;
#[cfg(unix)]
mod limits;
#[cfg(unix)]
mod overflow;
mod pool;
mod resident;
mod sizes;
mod usage;
