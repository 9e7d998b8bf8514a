//! Building and running tests: the host's sections, targets in a pipeline, the programs of `ci/`.

mod binaries;
pub(crate) mod exec;
pub(crate) mod expected;
pub(crate) mod faults;
pub(crate) mod foreign;
pub(crate) mod freestanding;
pub(crate) mod fuzz;
pub(crate) mod gdb;
pub(crate) mod host;
mod landing_pads;
pub(crate) mod libtest;
pub(crate) mod lists;
pub(crate) mod mutants;
pub(crate) mod packages;
pub(crate) mod pipeline;
pub(crate) mod portable;
pub(crate) mod programs;
pub(crate) mod sanitizers;
pub(crate) mod side_by_side;
pub(crate) mod soak;
pub(crate) mod suite;
pub(crate) mod supply;
pub(crate) mod valgrind;
