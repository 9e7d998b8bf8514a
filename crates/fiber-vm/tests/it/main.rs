//! The tests of the crate, in one binary.

mod allocation;
mod assembler;
mod blocks;
#[cfg(feature = "cli")]
mod cli;
mod differential;
mod fibers;
mod generate;
mod golden;
mod host;
mod naive;
mod programs;
mod round_trip;
mod rules;
mod silent;
mod support;

#[global_allocator]
static ALLOCATOR: allocation::Counting = allocation::Counting;
