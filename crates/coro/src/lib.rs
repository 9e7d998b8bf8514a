#![cfg_attr(not(feature = "std"), no_std)]
// Links of the README to items: here to these docs, elsewhere by its own list to docs.rs.
#![doc = include_str!("links.md")]
#![doc = include_str!("../README.md")]
// Into every program that has debug information.
#![debugger_visualizer(gdb_script_file = "../gdb/coro-gdb.py")]

#[cfg(feature = "async")]
mod async_handle;
#[cfg(feature = "std")]
mod builder;
mod coroutine;
#[cfg(feature = "std")]
mod current;
mod delegate;
#[cfg(feature = "std")]
pub mod diagnostics;
mod error;
mod extras;
#[cfg(feature = "async")]
mod future;
#[cfg(feature = "std")]
mod grow;
#[cfg(all(doc, feature = "std"))]
pub mod guide;
mod handle;
#[doc(hidden)]
pub mod internal;
#[cfg(feature = "async")]
pub mod io;
mod iter;
mod lending;
mod minimum;
#[cfg(feature = "movable")]
mod movable;
mod on_stack;
mod parent_stack;
mod resumer;
mod root;
#[cfg(feature = "std")]
mod scope;
#[cfg(feature = "std")]
mod scoped;
mod slot;
mod state;
#[cfg(feature = "async")]
mod stream;
#[cfg(feature = "std")]
pub mod track;
mod unwind;

#[cfg(feature = "async")]
pub use async_handle::{AsyncHandle, BlockOnError};
#[cfg(feature = "std")]
pub use builder::{Builder, StackSize, StackSource};
pub use coroutine::Coroutine;
#[cfg(feature = "std")]
pub use coroutine::TrapHandler;
#[cfg(feature = "std")]
pub use current::{LocalError, LocalKey, current_name, with_current};
pub use delegate::Resume;
pub use error::{Complete, ResumeError};
#[cfg(feature = "async")]
pub use future::{CoroutineFuture, future};
#[cfg(feature = "std")]
pub use grow::{grow, maybe_grow, remaining_stack};
pub use handle::SuspendHandle;
pub use iter::Iter;
#[cfg(feature = "std")]
pub use iter::iter;
#[cfg(feature = "std")]
pub use lending::ScopedLendingCoroutine;
pub use lending::{Lend, LendingCoroutine, LendingHandle};
pub use minimum::MIN_STACK_SIZE;
#[cfg(feature = "movable")]
pub use movable::Movable;
pub use on_stack::on_stack;
#[cfg(feature = "std")]
pub use scope::{Scope, scope};
#[cfg(feature = "std")]
pub use scoped::ScopedCoroutine;
pub use state::{CoroutineState, Status};
#[cfg(feature = "async")]
pub use stream::{CoroutineStream, StreamHandle, stream};
pub use unwind::ForcedUnwind;
#[cfg(feature = "std")]
pub use unwind::is_forced_unwind;

/// The stack of a [`Coroutine`] that names none: one from the thread's pool.
///
/// ```
/// use coro::{Coroutine, DefaultStack};
/// use sure_stack::GuardedMmapStack;
///
/// /// One that stands on whatever it stands on.
/// struct Task<S: sure_stack::Stack = DefaultStack>(Coroutine<(), (), (), S>);
///
/// let pooled: Task = Task(Coroutine::new(|_, ()| ()));
/// let own = GuardedMmapStack::allocate_at_least(1 << 16)?;
/// let special = Task(Coroutine::with_stack(own, |_, ()| ()));
/// # drop((pooled, special));
/// # Ok::<(), sure_stack::StackError>(())
/// ```
#[cfg(feature = "std")]
pub type DefaultStack = sure_stack::PooledStack;
/// The stack of a [`Coroutine`] that names none: without the standard library
/// the caller brings one, of another type.
#[cfg(not(feature = "std"))]
pub type DefaultStack = NoStack;

/// A stack that does not exist. Exhaustive: it has no variants, and never will.
#[cfg(not(feature = "std"))]
#[derive(Debug)]
pub enum NoStack {}

// SAFETY: there is no value that could break a promise.
#[cfg(not(feature = "std"))]
unsafe impl sure_stack::Stack for NoStack {
    fn base(&self) -> core::ptr::NonNull<u8> {
        match *self {}
    }

    fn limit(&self) -> core::ptr::NonNull<u8> {
        match *self {}
    }
}
