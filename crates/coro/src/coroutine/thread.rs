//! Why a coroutine and its handle are neither `Send` nor `Sync`, in words that the compiler's error shows.

use super::Coroutine;
use crate::SuspendHandle;
use core::marker::PhantomData;
use sure_stack::Stack;

/// What would have to be true of a coroutine for it to be `Send` or `Sync`. Nothing implements it.
#[diagnostic::on_unimplemented(
    message = "a coroutine stays on its thread: it cannot be sent to another one, nor used from there",
    label = "holds a coroutine, or its handle",
    note = "its frames may hold anything (an `Rc`, a lock's guard, the address of a thread-local), \
            and no type says what",
    note = "make it on the thread that resumes it: send the closure instead; a task of tokio belongs in a \
            `LocalSet`, or a `spawn_pinned` (see `coro::guide::tokio_main`)",
    note = "`unsafe` code that knows what its frames hold can promise that they do not mind: \
            `coro::Movable`, of the feature `movable`"
)]
pub trait MayChangeThreads {}

/// The frames of a coroutine, of which its types say nothing.
#[derive(Debug)]
pub struct Frames<Input>(PhantomData<fn(Input)>);

// SAFETY: it never applies: nothing implements `MayChangeThreads`. It stands here instead of the
// compiler's own implementation, so that an error names the bound and not private fields; so do
// the three below.
unsafe impl<Input, Yield, Return, S: Stack> Send for Coroutine<Input, Yield, Return, S> where
    Frames<Input>: MayChangeThreads
{
}

// SAFETY: it never applies.
unsafe impl<Input, Yield, Return, S: Stack> Sync for Coroutine<Input, Yield, Return, S> where
    Frames<Input>: MayChangeThreads
{
}

// SAFETY: it never applies.
unsafe impl<Input, Yield> Send for SuspendHandle<Input, Yield> where Frames<Input>: MayChangeThreads {}

// SAFETY: it never applies.
unsafe impl<Input, Yield> Sync for SuspendHandle<Input, Yield> where Frames<Input>: MayChangeThreads {}
