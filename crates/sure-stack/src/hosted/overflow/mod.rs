//! A stack overflow that explains itself.
//!
//! A coroutine that needs more stack than it has touches the guard below it,
//! and the process dies of a bare `SIGSEGV`. After [`install`] it dies
//! with a message:
//!
//! ```text
#![doc = include_str!("message.txt")]
//! ```
//!
//! ```no_run
//! fn main() -> Result<(), sure_stack::StackError> {
//!     sure_stack::overflow::install()?;
//!     // ...
//! #   Ok(())
//! }
//! ```
//!
//! # What it is told from
//!
//! The handler of `SIGSEGV` looks the fault address up among the guards of the
//! stacks of this crate, without locks or memory: any number of threads may
//! map and unmap stacks meanwhile. A hit prints the message to standard
//! error and ends the process with `SIGABRT`. Any other fault, and any `SIGSEGV` that
//! a process has sent, goes to the handler that was there before, unchanged:
//! the standard library's, so that an overflow of a thread's own stack has its
//! usual message; a sanitizer's; or the system's default.
//!
//! A handler that is installed later gets the signal first. It should pass on
//! what is not its own, as this one does; if it does not, there is no message.
//!
//! # Where it runs
//!
//! A handler cannot run on the stack that has just overflowed. The main thread
//! and threads of the standard library have an alternate stack for
//! signals (sigaltstack(2)); a thread that was made by other means calls
//! [`protect_thread`]. On a thread without one the kernel kills
//! the process as if there were no handler.
//!
//! # Limits
//!
//! - The function's name needs the program's symbol table, and is looked up by
//!   a copy of the process's handler that has two seconds for it: all else has been
//!   printed by then.
//! - A frame that is larger than the guard can step over it, where the compiler
//!   does not probe large frames; see [`GUARD_SIZE`](crate::GUARD_SIZE).
//! - A name is that of the stack's memory: see [`set_name`].
//! - The program or library in which the code was is told on Linux and Android, the function's
//!   name on Linux; Apple's systems and FreeBSD tell the address. Both may send `SIGBUS` as well, which
//!   is treated as `SIGSEGV` is.
//! - Windows has no such handler. Coroutines run on threads of the system there, whose overflows
//!   the standard library reports.

// What a system does not have is in `none`: signals on Windows, `/proc` outside of
// Linux, the types of ELF in Android's `libc`.
#[cfg_attr(windows, path = "none/alternate.rs")]
mod alternate;
#[cfg(target_os = "linux")]
mod elf;
#[cfg_attr(not(target_os = "linux"), path = "none/function.rs")]
mod function;
#[cfg_attr(windows, path = "none/handler.rs")]
mod handler;
#[cfg(unix)]
#[cfg_attr(
    not(any(target_os = "linux", target_os = "android")),
    path = "none/module.rs"
)]
mod module;
#[cfg(unix)]
mod pc;
#[cfg(unix)]
mod previous;
#[cfg(unix)]
mod report;
#[cfg(unix)]
mod text;

use super::registry;
use crate::{Stack, StackError};

/// Installs the handler, for the whole process, and protects the calling thread.
///
/// To be called early in `main`; calling it again does nothing more than
/// [`protect_thread`].
///
/// # Errors
/// [`StackError::Signals`] if the system refuses the handler (a sandbox may) or has no signals
/// (Windows), and as [`protect_thread`]. The program can go on without.
pub fn install() -> Result<(), StackError> {
    protect_thread()?;
    function::prepare()?;
    handler::install()
}

/// Whether [`install`] has been called with success.
///
/// A library need not name its stacks otherwise.
#[inline]
pub fn is_installed() -> bool {
    handler::is_installed()
}

/// Gives the calling thread an alternate stack for signals, until it ends, if
/// it has none that is large enough.
///
/// Needed once on each thread that runs coroutines and was made by other means
/// than the standard library's, pthread_create(3) say.
///
/// # Errors
/// [`StackError::Map`], [`StackError::Guard`] or [`StackError::Signals`], if
/// the system refuses.
///
/// ```
/// sure_stack::overflow::protect_thread()?;
/// # Ok::<(), sure_stack::StackError>(())
/// ```
pub fn protect_thread() -> Result<(), StackError> {
    alternate::protect_thread()
}

/// Names a stack, for the message about its overflow; an empty name takes the
/// name away.
///
/// The name belongs to the stack's memory, and stays until another takes its
/// place or the memory is unmapped: one that goes back to a pool should
/// be rid of its name first. (`coro` does both for a coroutine that is
/// built with a name after [`install`].) The name is copied; setting it takes a
/// lock and O(log n) steps for n names.
///
/// Returns whether the name is known now. It is not if the stack is not made by
/// this crate, or if memory has run out.
///
/// ```
/// use sure_stack::{GuardedMmapStack, overflow};
///
/// let stack = GuardedMmapStack::allocate_at_least(64 << 10)?;
/// assert!(overflow::set_name(&stack, "interpreter"));
/// # Ok::<(), sure_stack::StackError>(())
/// ```
pub fn set_name<S: Stack + ?Sized>(stack: &S, name: &str) -> bool {
    label(stack, name, "")
}

/// Names a stack, as [`set_name`] does, and tells how its owner makes it larger.
///
/// The message has the advice in its line on how to enlarge the stack. Where a stack has none it
/// says to ask for more bytes where the stack is allocated. An empty name takes the advice
/// away as well.
///
/// ```
/// use sure_stack::{GuardedMmapStack, overflow};
///
/// let stack = GuardedMmapStack::allocate_at_least(64 << 10)?;
/// let advice = "start the interpreter with a larger --stack";
/// assert!(overflow::label(&stack, "interpreter", advice));
/// # Ok::<(), sure_stack::StackError>(())
/// ```
pub fn label<S: Stack + ?Sized>(stack: &S, name: &str, advice: &'static str) -> bool {
    match registry::find(stack.limit().addr().get()) {
        Some(range) => registry::label(range.limit, name, advice),
        None => false,
    }
}
