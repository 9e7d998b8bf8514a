//! Where tools that watch memory are told about stack switches.
//!
//! AddressSanitizer and ThreadSanitizer want to hear of every execution that is prepared, before each
//! switch, after it, before the last one, at the first entry, and of executions that are given up. Each tool is a
//! module with these functions; without a tool they are the empty ones of `null`, so callers carry no
//! `cfg`, and nothing is compiled. `build.rs` finds out which it is.
//!
//! # What the tools keep
//!
//! | | AddressSanitizer | ThreadSanitizer |
//! |---|---|---|
//! | what it must know of the stack that runs | its bounds | its fiber: call stack and clock |
//! | what a switch must bring | the other side's bounds | the other side's fiber |
//! | what the side that leaves must keep | its fake stack | its fiber |
//!
//! A *fake stack* is where AddressSanitizer places variables so that their use after the function
//! has returned is noticed (`detect_stack_use_after_return`, the default). Each execution has its own.
//!
//! A switch has a token and nothing else, and a token is one word in every build: the address of
//! saved registers. So [`table`] has, for each suspended execution, what the tool must be
//! told when it is continued. The side that arrives puts in the one that was left; the side that leaves takes
//! out the one that it continues.
//!
//! # What they are not told
//!
//! Frames that were copied and put back elsewhere or later (`descend`, as the crate `coro-dynamic` uses
//! it) have their shadow left behind: two executions then have one token. LeakSanitizer does not look at
//! suspended stacks. MemorySanitizer is told nothing.
//!
//! The interfaces are those of LLVM's `sanitizer/common_interface_defs.h`, `asan_interface.h` and
//! `tsan_interface.h`.

#[cfg(sure_context_asan)]
mod asan;
#[cfg(not(any(sure_context_asan, sure_context_tsan)))]
mod null;
#[cfg(any(sure_context_asan, sure_context_tsan))]
mod table;
#[cfg(sure_context_tsan)]
mod tsan;

#[cfg(sure_context_asan)]
pub(crate) use asan::*;
#[cfg(not(any(sure_context_asan, sure_context_tsan)))]
pub(crate) use null::*;
#[cfg(sure_context_tsan)]
pub(crate) use tsan::*;
