//! The beginning of a coroutine: a closure is put on a stack.

use super::{Coroutine, MIN_STACK_SIZE};
use crate::SuspendHandle;
use crate::handle::Name;
use crate::root::Root;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use sure_stack::{Stack, StackError};

impl<Input, Yield, Return, S: Stack> Coroutine<Input, Yield, Return, S> {
    /// Puts a closure on a stack; a large one into a box, of which the stack holds the pointer.
    ///
    /// # Safety
    /// As [`with_stack_unchecked`](Coroutine::with_stack_unchecked).
    #[inline]
    pub(crate) unsafe fn assemble<F>(stack: S, name: Option<Name>, f: F) -> Result<Self, StackError>
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return,
    {
        #[cfg(feature = "std")]
        if size_of::<F>() > stack.size() / 4 {
            // Called through `dyn`, a boxed closure is run where it is; called
            // as an `F` it would be moved to the stack first.
            let f: BoxedBody<'_, Input, Yield, Return> = std::boxed::Box::new(f);
            return Coroutine::lay(stack, name, f);
        }
        Coroutine::lay(stack, name, f)
    }

    #[inline]
    fn lay<F>(stack: S, name: Option<Name>, f: F) -> Result<Self, StackError>
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return,
    {
        // A value that crosses is on this stack once, at least, in a frame of the closure.
        let crossing = size_of::<Input>().max(size_of::<Yield>());
        let root = Root::<F, Input, Yield, Return>::SIZE;
        let minimum = MIN_STACK_SIZE.max(root.saturating_add(crossing).saturating_mul(2));
        if stack.size() < minimum {
            return Err(StackError::TooSmall {
                bytes: stack.size(),
                minimum,
            });
        }
        let named = name.is_some();
        // SAFETY: the stack's memory is its own, and stays where it is for as
        // long as this coroutine keeps it, which is until nothing on it is
        // alive; half of `MIN_STACK_SIZE` exceeds any first frame.
        let (context, handle) =
            unsafe { Root::<F, Input, Yield, Return>::lay(stack.limit(), stack.base(), name, f) };
        let coroutine = Coroutine {
            context: Some(context),
            handle,
            stack: ManuallyDrop::new(stack),
            types: PhantomData,
        };
        if named {
            coroutine.name_stack(coroutine.name().unwrap_or_default());
        }
        Ok(coroutine)
    }
}

/// A closure that is too large for its stack.
#[cfg(feature = "std")]
type BoxedBody<'a, Input, Yield, Return> =
    std::boxed::Box<dyn FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return + 'a>;
