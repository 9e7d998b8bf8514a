//! How to use coroutines, a page for each thing that people do with them.
//!
//! - [Generators](generators): iterators from recursion and from callbacks
//! - [The async bridge](async_bridge): blocking code inside an async program
//! - [From `#[tokio::main]`](tokio_main): what to do where futures must be `Send`
//! - [Scopes](scopes): coroutines that borrow
//! - [Lending](lending): scripts that work on a `&mut World`
//! - [Panics](panics): across resumes, and what happens when a coroutine is dropped
//! - [C frames](c_frames): suspending in a callback of a C library
//! - [The current coroutine](current): where no handle can be handed down, and values of a coroutine
//! - [gdb]: where coroutines stand, in a program that hangs and in a core file
//! - [Choosing a stack size](stack_size)
//! - [A program hangs](program_hangs): from symptom to line
//! - [Thread-locals](thread_locals): what is undefined, and why
//! - [Tools](tools): sanitizers and valgrind
//! - [Coroutines, async functions, and threads](comparison): which one to take
//!
//! These pages are documentation; the modules hold nothing.

#[doc = include_str!("../docs/async_bridge.md")]
#[cfg(feature = "async")]
pub mod async_bridge {}

#[doc = include_str!("../docs/c_frames.md")]
pub mod c_frames {}

#[doc = include_str!("../docs/comparison.md")]
pub mod comparison {}

#[doc = include_str!("../docs/current.md")]
pub mod current {}

#[doc = include_str!("../docs/gdb.md")]
pub mod gdb {}

#[doc = include_str!("../docs/generators.md")]
pub mod generators {}

#[doc = include_str!("../docs/lending.md")]
pub mod lending {}

#[doc = include_str!("../docs/panics.md")]
pub mod panics {}

#[doc = include_str!("../docs/program_hangs.md")]
pub mod program_hangs {}

#[doc = include_str!("../docs/scopes.md")]
pub mod scopes {}

#[doc = include_str!("../docs/stack_size.md")]
pub mod stack_size {}

#[doc = include_str!("../docs/thread_locals.md")]
pub mod thread_locals {}

#[doc = include_str!("../docs/tools.md")]
pub mod tools {}

#[doc = include_str!("../docs/where_it_runs.md")]
pub mod where_it_runs {}

#[doc = include_str!("../docs/tokio_main.md")]
#[cfg(feature = "async")]
pub mod tokio_main {}
