use crate::extras::{Extras, Options};
use crate::handle::Stage;
use crate::minimum;
use crate::slot::Slot;
#[cfg(feature = "std")]
use crate::track;
use crate::unwind::{self, Payload};
use crate::{MIN_STACK_SIZE, SuspendHandle};
use core::cell::UnsafeCell;
use core::mem::{ManuallyDrop, align_of, size_of};
use core::ptr::NonNull;
use sure_context::{
    Arrival, Departure, ExecutionContext, NoThread, Signal, Trampoline, Word, try_prepare_within,
};
use sure_stack::{Stack, StackError};

/// What stands at the high end of a coroutine's stack.
///
/// ```text
/// base of the stack ──┐
///   slot              │ the closure; later the return value or the panic
///   handle            │ bounds, extras, and the link to the resumer
///   first frame       │ made by sure-context
///   the closure's frames, growing down
/// ```
#[repr(C)]
pub(crate) struct Root<F, Input, Yield, Return> {
    handle: SuspendHandle<Input, Yield>,
    slot: UnsafeCell<Slot<F, Return>>,
}

/// An execution that begins at a root, and the handle there.
pub(crate) type Laid<Input, Yield> = (ExecutionContext, NonNull<SuspendHandle<Input, Yield>>);

/// `Ord::max`, which constants cannot call.
const fn larger(a: usize, b: usize) -> usize {
    b + a.saturating_sub(b)
}

impl<F, Input, Yield, Return> Root<F, Input, Yield, Return>
where
    F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return,
{
    /// How many bytes of stack a root takes at most, its placement included.
    const SIZE: usize = size_of::<Self>() + Self::STRIDE;

    /// The least stack: see [`lay`](Root::lay).
    const MINIMUM: usize = {
        let (input, output) = (size_of::<Input>(), size_of::<Yield>());
        let crossing = larger(input, output);
        let minimum = Self::SIZE.saturating_add(crossing).saturating_mul(2);
        larger(minimum, MIN_STACK_SIZE)
    };

    /// A root begins at `PLACE` modulo `STRIDE`: near the end of a pair of
    /// cache lines. What every resume touches (the beginning of the handle, and
    /// the registers that a shallow closure saves some hundred bytes below) is
    /// then one pair, which processors like to fetch together.
    const STRIDE: usize = larger(align_of::<Self>(), 128);
    const PLACE: usize = if align_of::<Self>() > 32 { 0 } else { 96 };

    /// Writes the root of a coroutine at the high end of a stack, and an
    /// execution that begins there.
    ///
    /// # Errors
    /// [`StackError::TooSmall`] for less than [`MIN_STACK_SIZE`] bytes, or less than twice what
    /// the root and a value that crosses take: such a value is on this stack once, at least, in
    /// a frame of the closure. [`StackError::Thread`] if the coroutine would be a thread, which the
    /// system does not have.
    ///
    /// # Safety
    /// Nothing else uses the stack, and the caller keeps it, while the execution may continue.
    #[inline]
    #[track_caller]
    pub(crate) unsafe fn lay<S: Stack>(
        stack: &S,
        options: Options,
        closure: F,
    ) -> Result<Laid<Input, Yield>, StackError> {
        let (low, high) = (stack.limit(), stack.base());
        if options.tracked() || stack.size() < minimum::unsuspicious(Self::MINIMUM) {
            // SAFETY: the caller's promise is the same, of the stack with these bounds.
            return unsafe { Self::lay_unusual(low, high, options, closure) };
        }
        // SAFETY: the caller's promise is the same; the stack is large enough.
        unsafe { Self::place(low, high, options, closure) }
    }

    /// What [`lay`](Root::lay) does if the stack is too small, or the coroutine tracked.
    ///
    /// # Errors
    /// As [`lay`](Root::lay).
    ///
    /// # Safety
    /// As [`lay`](Root::lay), of the stack with these bounds.
    #[cold]
    #[inline(never)]
    #[track_caller]
    unsafe fn lay_unusual(
        low: NonNull<u8>,
        high: NonNull<u8>,
        options: Options,
        closure: F,
    ) -> Result<Laid<Input, Yield>, StackError> {
        let (bytes, minimum) = (high.addr().get() - low.addr().get(), Self::MINIMUM);
        if bytes < minimum {
            return Err(StackError::TooSmall { bytes, minimum });
        }
        // SAFETY: the caller's promise is the same; the stack is large enough.
        let laid = unsafe { Self::place(low, high, options, closure) }?;
        #[cfg(feature = "std")]
        // SAFETY: it was laid just now, and nothing else has seen it yet.
        unsafe {
            track::begin(laid.1, low, high);
        }
        Ok(laid)
    }

    /// Makes the execution, and writes the root from which it will begin.
    ///
    /// # Errors
    /// [`StackError::Thread`]; see [`lay`](Root::lay).
    ///
    /// # Safety
    /// As [`lay`](Root::lay), of the stack with these bounds, which has as many bytes as that wants.
    #[inline(always)]
    unsafe fn place(
        low: NonNull<u8>,
        high: NonNull<u8>,
        options: Options,
        closure: F,
    ) -> Result<Laid<Input, Yield>, StackError> {
        let end = high.as_ptr().wrapping_sub(size_of::<Self>());
        let root = end.wrapping_sub(end.addr().wrapping_sub(Self::PLACE) % Self::STRIDE);
        let extent = root.addr() - low.addr().get();
        // SAFETY: inside the stack, which has more than `SIZE` bytes.
        let root = unsafe { NonNull::new_unchecked(root.cast::<Self>()) };
        // SAFETY: (1) the stack below the root is as free as the whole, for as long; the half of
        // it that the root leaves exceeds any first frame. (2) The root is written below, and stays
        // where it is.
        let prepared = unsafe { try_prepare_within(low, root.cast(), root) };
        // Before the root is written, because then there is nothing to take away.
        let context = prepared.map_err(refused)?;
        // SAFETY: aligned; inside the stack, which is the caller's to write.
        unsafe {
            root.write(Root {
                handle: SuspendHandle::new(extent, Extras::new(options)),
                slot: UnsafeCell::new(Slot {
                    closure: ManuallyDrop::new(closure),
                }),
            });
        }
        Ok((context, root.cast()))
    }

    /// As [`lay`](Root::lay), with the closure in a box of which the stack holds the pointer.
    ///
    /// # Errors
    /// As [`lay`](Root::lay).
    ///
    /// # Safety
    /// As [`lay`](Root::lay).
    #[cfg(feature = "std")]
    #[track_caller]
    pub(crate) unsafe fn lay_boxed<S: Stack>(
        stack: &S,
        options: Options,
        closure: F,
    ) -> Result<Laid<Input, Yield>, StackError> {
        // Called through `dyn`, a boxed closure is run where it is; called as an `F` it would be
        // moved to the stack first.
        type Boxed<'a, Input, Yield, Return> =
            std::boxed::Box<dyn FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return + 'a>;
        let boxed: Boxed<'_, Input, Yield, Return> = std::boxed::Box::new(closure);
        // SAFETY: the caller keeps the stack to this execution.
        unsafe { Root::<_, Input, Yield, Return>::lay(stack, options, boxed) }
    }

    /// Calls the closure with the first input, and leaves its value in the slot.
    ///
    /// # Safety
    /// Called once, by `run`, with what the first resume has sent; the closure is in the slot.
    #[inline(always)]
    unsafe fn call(&self, word: Word) -> Result<(), Payload> {
        let slot = self.slot.get();
        // SAFETY: the slot holds the closure, and this is the only read.
        let closure = ManuallyDrop::into_inner(unsafe { (&raw const (*slot).closure).read() });
        unwind::catch(move || {
            // SAFETY: the first resume has sent an input, for this.
            let input = unsafe { word.receive() };
            self.handle.stage.set(Stage::Started);
            let value = closure(&self.handle, input);
            // SAFETY: the closure has been moved out of the slot.
            unsafe { (*slot).value = ManuallyDrop::new(value) };
        })
    }

    /// Drops the closure of a coroutine that is dropped before its first resume. A function of
    /// its own, whose frame has no room for an input: a large one may not fit.
    ///
    /// # Safety
    /// Called once, by `run`, instead of `call`; the closure is in the slot.
    #[cold]
    #[inline(never)]
    unsafe fn discard(&self) -> Result<(), Payload> {
        let slot = self.slot.get();
        // SAFETY: the slot holds the closure, which is dropped here and not used again.
        unwind::catch(move || unsafe { ManuallyDrop::drop(&mut (*slot).closure) })
    }
}

/// The error of a coroutine that would be a thread, which the system does not have.
#[cfg(feature = "std")]
#[cold]
fn refused(refused: NoThread) -> StackError {
    let os = std::io::Error::from_raw_os_error(refused.raw_os_error());
    StackError::Thread { os }
}

/// Without `std`, the errors of `sure-stack` do not tell what a system says.
#[cfg(not(feature = "std"))]
#[cold]
fn refused(refused: NoThread) -> StackError {
    panic!("{refused}")
}

// SAFETY: `#[repr(C)]`, and so is the handle, which comes first and whose first
// field is a `ParentLink` in a transparent type.
unsafe impl<F, Input, Yield, Return> Trampoline for Root<F, Input, Yield, Return>
where
    F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return,
{
    #[inline(always)]
    unsafe fn run(this: NonNull<Self>, arrival: Arrival) -> Departure {
        // SAFETY: the root outlives the execution; all that changes is in cells.
        let root = unsafe { this.as_ref() };
        // SAFETY: this is the first arrival, of a resume by the owner.
        unsafe { root.handle.resumer.arrived(arrival.from) };
        // SAFETY: a first frame runs once, on a closure that `lay` has put in the slot.
        let outcome = unsafe {
            match arrival.signal {
                Signal::Run => root.call(arrival.word),
                Signal::Unwind => root.discard(),
            }
        };
        let slot = root.slot.get();
        let (word, signal) = match outcome {
            // SAFETY: the slot holds the value; or, after a drop before the
            // first resume, nothing, and then the owner does not receive the word.
            Ok(()) => (
                unsafe { Word::send_from((&raw mut (*slot).value).cast::<Return>()) },
                Signal::Run,
            ),
            Err(payload) => {
                // SAFETY: the closure has been moved out of the slot.
                unsafe { (*slot).payload = ManuallyDrop::new(payload) };
                (Word::from_ptr(slot), Signal::Unwind)
            }
        };
        // SAFETY: the coroutine runs here, and leaves for good.
        let to = unsafe { root.handle.resumer.take() };
        Departure { to, word, signal }
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use crate::Coroutine;
    use core::ptr;

    #[repr(align(32))]
    struct Aligned32;

    #[repr(align(64))]
    struct Aligned64;

    /// Where the root of a coroutine begins in a pair of cache lines.
    fn place<T: 'static>(value: T) -> usize {
        let coroutine = Coroutine::<(), (), T>::new(move |_, ()| value);
        ptr::from_ref(coroutine.handle()).addr() % 128
    }

    #[test]
    fn a_root_begins_where_registers_saved_below_it_are_near() {
        assert_eq!(place(()), 96);
        assert_eq!(place(Aligned32), 96);
        assert_eq!(place(Aligned64), 0);
    }
}
