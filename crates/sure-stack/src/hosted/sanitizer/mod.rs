//! AddressSanitizer is told which stacks are free: an access to one, by an address that has outlived its
//! coroutine, is then reported, as for memory of the heap. In other builds nothing is compiled; the
//! build script finds out.

#[cfg(sure_stack_asan)]
mod asan;
#[cfg(not(sure_stack_asan))]
mod null;

#[cfg(sure_stack_asan)]
pub(crate) use asan::*;
#[cfg(not(sure_stack_asan))]
pub(crate) use null::*;
