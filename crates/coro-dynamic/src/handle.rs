use crate::coroutine::NAME;
use crate::delta::{self, Leave};
use crate::header::{Header, Mode, ROOM, Stage};
use coro::{ForcedUnwind, internal};
use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};
use sure_context::{Signal, Word, descend};

/// The inside of a dynamic coroutine: the way to suspend it.
///
/// The closure of a [`DynamicCoroutine`](crate::DynamicCoroutine) receives a
/// reference, and hands it down to whatever has to suspend, at any call depth.
/// It stands on the heap, and cannot leave its thread.
///
/// ```
/// use coro_dynamic::{DynamicCoroutine, DynamicHandle};
///
/// /// Asks the resumer for a number, from one call down.
/// fn ask(handle: &DynamicHandle<u32, &'static str>, what: &'static str) -> u32 {
///     handle.suspend(what)
/// }
///
/// // SAFETY: (1-4) numbers and static strings cross, and no addresses of locals; (5) it has no
/// // destructors.
/// let mut area = unsafe {
///     DynamicCoroutine::new(|handle, _| ask(handle, "width") * ask(handle, "height"))
/// };
/// assert_eq!(area.resume(0).yielded(), Some("width"));
/// assert_eq!(area.resume(6).yielded(), Some("height"));
/// assert_eq!(area.resume(7).complete(), Some(42));
/// ```
#[repr(transparent)]
pub struct DynamicHandle<Input, Yield> {
    header: Header,
    types: PhantomData<fn(Yield) -> Input>,
}

impl<Input, Yield> DynamicHandle<Input, Yield> {
    #[inline(always)]
    pub(crate) fn of(header: &Header) -> &Self {
        // SAFETY: the handle is nothing but a header.
        unsafe { &*ptr::from_ref(header).cast::<Self>() }
    }

    /// Suspends the coroutine: its present [`resume`](crate::DynamicCoroutine::resume)
    /// returns `value`, and this call returns what the next one brings.
    ///
    /// Everything that stands on the stack between the coroutine's first frame
    /// and this call is copied to the heap meanwhile; the time is proportional
    /// to that. (On a shared run stack it is copied only if another coroutine
    /// wants the place.)
    ///
    /// ```
    /// // SAFETY: (1-4) numbers come in and go out, and no addresses; (5) it has no destructors.
    /// let mut doubler = unsafe {
    ///     coro_dynamic::DynamicCoroutine::new(|handle, first: u32| {
    ///         let mut n = first;
    ///         while n != 0 {
    ///             n = handle.suspend(n * 2);
    ///         }
    ///     })
    /// };
    /// assert_eq!(doubler.resume(4).yielded(), Some(8));
    /// assert_eq!(doubler.resume(5).yielded(), Some(10));
    /// assert_eq!(doubler.resume(0).complete(), Some(()));
    /// ```
    ///
    /// # Panics
    /// - Unwinds without a message if the coroutine is dropped while suspended here.
    /// - If it is called anywhere but on the coroutine's own frames: in another
    ///   coroutine that this one has resumed, say.
    /// - Unwinds in the same way, and never switches, if the coroutine is being dropped
    ///   and its body has swallowed that unwind.
    /// - If less than 32 KiB of stack are left: the code that copies needs them.
    ///
    /// A destructor may suspend while the coroutine panics. The thread counts as panicking
    /// then until the panic is caught, also for its other code.
    ///
    /// # Aborts
    /// - With a message, if a destructor that the unwind of a dropped coroutine runs suspends.
    /// - If the coroutine is dropped while it is suspended in a destructor that its own panic
    ///   runs: Rust has no way to unwind out of that.
    #[inline]
    pub fn suspend(&self, value: Yield) -> Input {
        let header = &self.header;
        if !header.may_suspend() {
            let _ = self.refuse();
            let in_panic = header.stage() == Stage::UnwindingInPanic;
            internal::unwind_again(&NAME, in_panic);
        }
        // SAFETY: the coroutine runs, and the caller on its frames.
        match unsafe { self.leave(value) } {
            Ok(input) => input,
            Err(unwind) => unwind.resume(),
        }
    }

    /// As [`suspend`](DynamicHandle::suspend), where the coroutine must not be unwound from
    /// here, or not yet: under frames of C, say, or in a destructor, which may run while the
    /// coroutine panics.
    ///
    /// ```
    /// // SAFETY: (1-4) no address of a local leaves it or comes in; (5) it has no destructors.
    /// let mut waiting = unsafe {
    ///     coro_dynamic::DynamicCoroutine::new(|handle, ()| match handle.try_suspend(()) {
    ///         Ok(()) => "resumed",
    ///         // Whatever has to be told that it is over would be told here.
    ///         Err(unwind) => unwind.resume(),
    ///     })
    /// };
    /// waiting.resume(());
    /// waiting.unwind().expect("this is where it was resumed");
    /// ```
    ///
    /// # Errors
    /// [`ForcedUnwind`], if the coroutine is dropped while it is suspended here, or is being
    /// dropped already. It cannot be resumed any more: the caller should end what it does,
    /// and go on with [`ForcedUnwind::resume`].
    ///
    /// # Panics
    /// - If it is called anywhere but on the coroutine's own frames.
    /// - If less than 32 KiB of stack are left.
    #[inline]
    pub fn try_suspend(&self, value: Yield) -> Result<Input, ForcedUnwind> {
        if !self.header.may_suspend() {
            return Err(self.refuse());
        }
        // SAFETY: the coroutine runs, and the caller on its frames.
        unsafe { self.leave(value) }
    }

    /// Suspends; what the next resume brings.
    ///
    /// # Safety
    /// The coroutine runs, and the caller on its frames; it is not being dropped.
    #[inline(always)]
    unsafe fn leave(&self, value: Yield) -> Result<Input, ForcedUnwind> {
        let header = &self.header;
        let mut value = ManuallyDrop::new(value);
        let arrival = if header.mode() == Mode::Direct {
            let word = Word::send(&mut value);
            // SAFETY: the coroutine runs, and uses no other token of its
            // resumer. That waits in `resume`, on this thread; it understands
            // words that send a `Yield`, and keeps the token of this execution.
            unsafe { header.parent.resumer().switch(word, Signal::Run) }
        } else {
            let top = delta::below_here(header);
            let region = header.region();
            if top < region.limit + ROOM {
                // The value was not sent yet.
                drop(ManuallyDrop::into_inner(value));
                no_room(top.wrapping_sub(region.limit));
            }
            region.word.set(Word::send(&mut value));
            let top = ptr::with_exposed_provenance_mut(top);
            let object = NonNull::from(header).cast::<Leave>();
            // SAFETY: `top` is below the stack pointer and above the region's
            // limit, by enough; a header outlives its execution; the resumer
            // that continues this one puts its frames back before.
            unsafe { descend(NonNull::new_unchecked(top), object) }
        };
        if arrival.signal == Signal::Unwind {
            return Err(internal::forced_unwind());
        }
        // SAFETY: with the signal to run, a resume by the owner has sent an input.
        Ok(unsafe { self.receive(arrival.word) })
    }

    /// The input that a resume has sent.
    ///
    /// # Safety
    /// The coroutine was resumed, with the signal to run and this word, and has not received
    /// its input yet.
    #[inline(always)]
    pub(crate) unsafe fn receive(&self, word: Word) -> Input {
        // SAFETY: the word sends an `Input`, from the resumer's frames.
        unsafe { word.receive_by(|from, to, bytes| self.header.fetch_input(from, to, bytes)) }
    }

    /// Answers a suspend that is not granted, if not by the panic of a call from elsewhere.
    #[cold]
    #[inline(never)]
    fn refuse(&self) -> ForcedUnwind {
        if self.header.stage().is_unwinding() {
            return internal::forced_unwind();
        }
        internal::refuse_foreign(&NAME)
    }
}

#[cold]
#[inline(never)]
fn no_room(left: usize) -> ! {
    panic!(
        "a dynamic coroutine cannot suspend with {} bytes of stack left, because the code that \
         copies its frames needs {ROOM} below them: recurse less deeply, or give the thread a \
         larger stack",
        left as isize
    )
}

impl<Input, Yield> fmt::Debug for DynamicHandle<Input, Yield> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamicHandle").finish_non_exhaustive()
    }
}
