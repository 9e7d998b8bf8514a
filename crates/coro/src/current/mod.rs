//! The coroutine on whose stack the caller stands, found without a handle being handed down.
//!
//! A coroutine that asks for it is in one map of the process, by the high end of its stack, as
//! long as its root stands. A look-up finds the stack around the stack pointer; nothing is done
//! at a switch, and nothing for coroutines that did not ask.

mod local;
mod registry;

pub(crate) use local::Locals;
pub use local::{LocalError, LocalKey};
pub(crate) use registry::Registration;

use crate::SuspendHandle;
use core::any::TypeId;
use std::string::String;

/// What tells the type of a coroutine's handle.
pub(crate) fn type_of<Input: 'static, Yield: 'static>() -> TypeId {
    TypeId::of::<SuspendHandle<Input, Yield>>()
}

/// Calls `f` with the handle of the coroutine that runs the caller, wherever that has it.
///
/// For code that cannot be given a handle: a callback with a fixed signature, a trait's method,
/// a `print` hook. The coroutine has to be [findable](crate::Builder::findable).
///
/// ```
/// use coro::{Coroutine, SuspendHandle};
///
/// /// What a parser from elsewhere calls, without any argument of ours.
/// fn next_byte() -> u8 {
///     coro::with_current::<u8, (), _>(|handle| handle.suspend(())).expect("in a coroutine that reads")
/// }
///
/// let mut parser = Coroutine::builder().findable().build(|_: &SuspendHandle<u8, ()>, first| {
///     let second = next_byte();
///     u16::from_be_bytes([first, second])
/// })?;
/// parser.resume(1);
/// assert_eq!(parser.resume(2).complete(), Some(258));
/// assert_eq!(coro::with_current::<u8, (), _>(|_| ()), None);
/// # Ok::<(), sure_stack::StackError>(())
/// ```
///
/// The current coroutine is the one on whose stack the caller stands, or on a stack by which that
/// has [grown](crate::maybe_grow). In an inner coroutine it is the inner one; the outer one is
/// found by code that the inner one calls [on its parent's
/// stack](SuspendHandle::on_parent_stack), and can be suspended there: the inner one waits, as for
/// any call, and goes on when the outer one is resumed.
///
/// The result is `None`
/// - outside of coroutines, in one that is not findable, and on a stack of
///   [`on_stack`](crate::on_stack());
/// - if the coroutine takes or yields other types than `Input` and `Yield`;
/// - in a coroutine that borrows ([`scope`](crate::scope()), the `unchecked` constructors), or
///   that is lent its input: types cannot be compared at run time there;
/// - where each coroutine is a thread of the system (the portable backend of `sure-context`).
///
/// It takes a lock that readers share, and a search among the findable coroutines: some 30 ns
/// among a thousand.
pub fn with_current<Input, Yield, R>(f: impl FnOnce(&SuspendHandle<Input, Yield>) -> R) -> Option<R>
where
    Input: 'static,
    Yield: 'static,
{
    let found = registry::find()?;
    if found.types != Some(type_of::<Input, Yield>()) {
        return None;
    }
    // SAFETY: the type is that with which it was registered. The caller runs on the stack of this
    // coroutine, which therefore runs, and runs until the caller has returned or is unwound: the
    // root stands at least as long. The closure cannot keep a reference whose lifetime it does not
    // know.
    let handle = unsafe { found.handle.cast::<SuspendHandle<Input, Yield>>().as_ref() };
    Some(f(handle))
}

/// The name of the coroutine that runs the caller; see [`with_current`] for which one that is.
///
/// `None` if it has no name, is not [findable](crate::Builder::findable), or there is none.
///
/// ```
/// use coro::{Coroutine, SuspendHandle};
///
/// let builder = Coroutine::builder().name("worker 7").findable();
/// let mut worker = builder.build(|_: &SuspendHandle<(), ()>, ()| coro::current_name())?;
/// assert_eq!(worker.resume(()).complete().flatten().as_deref(), Some("worker 7"));
/// assert_eq!(coro::current_name(), None);
/// # Ok::<(), sure_stack::StackError>(())
/// ```
pub fn current_name() -> Option<String> {
    let found = registry::find()?;
    // SAFETY: the caller runs on the stack of this coroutine, whose root stands meanwhile.
    unsafe { found.extras.as_ref() }.name().map(String::from)
}
