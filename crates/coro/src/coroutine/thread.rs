//! Why a coroutine is not `Send`, in words that the compiler's error shows.

use super::Coroutine;
use core::marker::PhantomData;
use sure_stack::Stack;

/// What would have to be true of a coroutine for it to be `Send`. Nothing implements it.
#[diagnostic::on_unimplemented(
    message = "a coroutine stays on its thread: it cannot be sent to another one",
    label = "holds a coroutine",
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
// compiler's own implementation, so that an error names the bound and not a private field.
unsafe impl<Input, Yield, Return, S: Stack> Send for Coroutine<Input, Yield, Return, S> where
    Frames<Input>: MayChangeThreads
{
}
