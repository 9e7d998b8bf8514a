//! The beginning of a coroutine: a closure is put on a stack.

use super::Coroutine;
use crate::SuspendHandle;
#[cfg(feature = "std")]
use crate::current::Registration;
use crate::extras::Options;
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
    #[track_caller]
    pub(crate) unsafe fn assemble<F>(stack: S, options: Options, f: F) -> Result<Self, StackError>
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return,
    {
        #[cfg(feature = "std")]
        let (findable, types) = (options.findable, options.types);
        let named = options.is_named();
        #[cfg(feature = "std")]
        let boxed = size_of::<F>() > stack.size() / 4;
        #[cfg(not(feature = "std"))]
        let boxed = false;
        // SAFETY: the coroutine owns the stack until nothing on it is alive.
        let laid = unsafe {
            match boxed {
                #[cfg(feature = "std")]
                true => Root::<F, Input, Yield, Return>::lay_boxed(&stack, options, f),
                _ => Root::<F, Input, Yield, Return>::lay(&stack, options, f),
            }
        };
        let (context, handle) = laid?;
        #[cfg(feature = "std")]
        let plain = !(named || findable);
        #[cfg(not(feature = "std"))]
        let plain = !named;
        if plain {
            // Apart from the others, whose address goes to functions that are not inlined: this one
            // can be in registers.
            return Ok(Coroutine {
                context: Some(context),
                handle,
                stack: ManuallyDrop::new(stack),
                types: PhantomData,
            });
        }
        let coroutine = Coroutine {
            context: Some(context),
            handle,
            stack: ManuallyDrop::new(stack),
            types: PhantomData,
        };
        // That of a tracked one has a longer name already.
        if named && !coroutine.handle().is_tracked() {
            coroutine.name_stack(coroutine.name().unwrap_or_default());
        }
        #[cfg(feature = "std")]
        if findable {
            let (handle, extras) = (coroutine.handle.cast(), &coroutine.handle().extras);
            extras.register(Registration::new(&*coroutine.stack, handle, extras, types));
        }
        Ok(coroutine)
    }
}
