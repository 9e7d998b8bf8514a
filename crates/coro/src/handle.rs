use crate::extras::Extras;
use crate::resumer::Resumer;
use crate::unwind::{self, ForcedUnwind};
use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr;
use sure_context::{Arrival, ExecutionContext, Signal, Word, stack_pointer};

/// The inside of a coroutine: the way to suspend it.
///
/// The closure of a [`Coroutine`](crate::Coroutine) receives a reference, and
/// hands it down to whatever has to suspend, at any call depth. It stands at
/// the high end of the coroutine's stack, and cannot leave its thread.
///
/// ```
/// use coro::{Coroutine, SuspendHandle};
///
/// /// Asks the resumer for a word, from three calls down.
/// fn ask(handle: &SuspendHandle<&'static str, String>, question: &str) -> &'static str {
///     handle.suspend(format!("{question}?"))
/// }
///
/// fn greet(handle: &SuspendHandle<&'static str, String>) -> String {
///     format!("{}, {}!", ask(handle, "Which greeting"), ask(handle, "Whom"))
/// }
///
/// let mut dialogue = Coroutine::new(|handle, _| greet(handle));
/// assert_eq!(dialogue.resume("").yielded().as_deref(), Some("Which greeting?"));
/// assert_eq!(dialogue.resume("Hello").yielded().as_deref(), Some("Whom?"));
/// assert_eq!(dialogue.resume("world").complete().as_deref(), Some("Hello, world!"));
/// ```
#[repr(C)]
pub struct SuspendHandle<Input, Yield> {
    /// First, as the root of the stack wants it.
    pub(crate) resumer: Resumer,
    /// Bytes of stack below this handle: code that suspends must stand there.
    /// 0 while a suspend must be refused for another reason, or takes another way because
    /// the coroutine is tracked, so that one comparison tells all.
    pub(crate) extent: Cell<usize>,
    pub(crate) stage: Cell<Stage>,
    pub(crate) extras: Extras,
    types: PhantomData<fn(Yield) -> Input>,
    /// Neither `Send` nor `Sync`.
    not_send: PhantomData<*mut ()>,
}

/// What a resume has brought, that does not want the coroutine to unwind.
type Arrived = (Option<ExecutionContext>, Word);

/// What the coroutine's stack holds; the token beside it tells
/// [`Status`](crate::Status) apart where this does not.
///
/// Its first byte is a number, from 0: debuggers read it (`track/record.rs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stage {
    /// The closure.
    Created,
    /// Frames.
    Started,
    /// Frames that a forced unwind is taking down.
    Unwinding {
        /// Whether the thread was panicking when the drop began.
        in_panic: bool,
    },
    /// Nothing any more.
    Complete,
}

impl<Input, Yield> SuspendHandle<Input, Yield> {
    pub(crate) fn new(extent: usize, extras: Extras) -> Self {
        SuspendHandle {
            resumer: Resumer::new(),
            extent: Cell::new(extent),
            stage: Cell::new(Stage::Created),
            extras,
            types: PhantomData,
            not_send: PhantomData,
        }
    }

    /// Suspends the coroutine: its present [`resume`](crate::Coroutine::resume)
    /// returns `value`, and this call returns what the next one brings.
    ///
    /// A value of at most a machine word travels in a register, a larger one is
    /// moved once.
    ///
    /// ```
    /// let mut doubler = coro::Coroutine::new(|handle, first: u32| {
    ///     let mut n = first;
    ///     while n != 0 {
    ///         n = handle.suspend(n * 2);
    ///     }
    /// });
    /// assert_eq!(doubler.resume(4).yielded(), Some(8));
    /// assert_eq!(doubler.resume(5).yielded(), Some(10));
    /// assert_eq!(doubler.resume(0).complete(), Some(()));
    /// ```
    ///
    /// # Panics
    /// - Unwinds without a message if the coroutine is dropped while suspended here.
    /// - Unwinds in the same way, and never switches, if the coroutine is being dropped
    ///   and its body has swallowed that unwind.
    /// - If it is called anywhere but on the stack of its own running
    ///   coroutine (or where that has [grown](crate::maybe_grow)), an inner coroutine's stack say.
    ///
    /// A destructor may suspend while the coroutine panics; see
    /// [the guide](crate::guide::panics) for what `thread::panicking()` says meanwhile.
    ///
    /// # Aborts
    /// - With a message, if a destructor that the unwind of a dropped coroutine runs suspends.
    /// - If the coroutine is dropped while it is suspended in a destructor that its own panic
    ///   runs: Rust has no way to unwind out of that.
    #[inline(always)]
    #[track_caller]
    pub fn suspend(&self, value: Yield) -> Input {
        let (resumer, word) = if self.runs_here() || self.runs_on_growth() {
            // SAFETY: the caller runs on this coroutine's stack, or on one that this is waiting
            // for as for a call, so the coroutine runs.
            let arrival = unsafe { self.leave(value) };
            if arrival.signal == Signal::Unwind {
                self.unwinds(arrival.from).resume();
            }
            (arrival.from, arrival.word)
        } else {
            self.leave_unusually(value)
        };
        // SAFETY: a resume has brought them just now, with the signal to run.
        unsafe { self.arrive(resumer, word) }
    }

    /// As [`suspend`](SuspendHandle::suspend), where the coroutine must not be unwound from
    /// here, or not yet: under frames of C, say, whose caller wants an error code first (see
    /// [the guide](crate::guide::c_frames)), or in a destructor, which may run while the coroutine panics.
    ///
    /// ```
    /// use coro::{Coroutine, ForcedUnwind, SuspendHandle};
    ///
    /// /// A library's loop, which stops when `visit` tells it to, and cleans up after itself.
    /// fn walk(visit: &mut dyn FnMut(u32) -> bool) {
    ///     (0..10).take_while(|&n| visit(n)).count();
    /// }
    ///
    /// let mut walker = Coroutine::new(|handle: &SuspendHandle<(), u32>, ()| {
    ///     let mut dropped: Option<ForcedUnwind> = None;
    ///     walk(&mut |n| {
    ///         dropped = handle.try_suspend(n).err();
    ///         dropped.is_none()
    ///     });
    ///     if let Some(unwind) = dropped {
    ///         unwind.resume();
    ///     }
    /// });
    /// assert_eq!(walker.resume(()).yielded(), Some(0));
    /// drop(walker);
    /// ```
    ///
    /// # Errors
    /// [`ForcedUnwind`], if the coroutine is dropped while it is suspended here, or is being
    /// dropped already. It cannot be resumed any more: the caller should end what it does,
    /// and go on with [`ForcedUnwind::resume`].
    ///
    /// # Panics
    /// If it is called anywhere but on the stack of its own running coroutine.
    #[inline(always)]
    #[track_caller]
    pub fn try_suspend(&self, value: Yield) -> Result<Input, ForcedUnwind> {
        let (resumer, word) = if self.runs_here() || self.runs_on_growth() {
            // SAFETY: the caller runs on this coroutine's stack, or on one that this is waiting
            // for as for a call, so the coroutine runs.
            let arrival = unsafe { self.leave(value) };
            if arrival.signal == Signal::Unwind {
                return Err(self.unwinds(arrival.from));
            }
            (arrival.from, arrival.word)
        } else {
            self.try_leave_unusually(value)?
        };
        // SAFETY: a resume has brought them just now, with the signal to run.
        Ok(unsafe { self.arrive(resumer, word) })
    }

    /// Switches to the resumer with a value; the arrival of the next resume.
    ///
    /// # Safety
    /// The coroutine runs, on its own stack or a growth of it, and is not being dropped.
    #[inline(always)]
    unsafe fn leave(&self, value: Yield) -> Arrival {
        // Taken before anything is called that the compiler cannot see into: where a suspend
        // follows an arrival directly, it is still in a register.
        // SAFETY: the coroutine runs (the caller's promise); the token is used once, below.
        let resumer = unsafe { self.resumer.take() };
        let mut value = ManuallyDrop::new(value);
        let word = Word::send(&mut value);
        // SAFETY: the resumer is suspended in `Coroutine::resume`, on this thread; it receives a
        // `Yield`, and keeps the token of this execution in the coroutine, which owns the stack.
        unsafe { resumer.switch(word, Signal::Run) }
    }

    /// Takes note of the last resume, which has brought this token and wants the coroutine to unwind.
    #[cold]
    #[inline(never)]
    fn unwinds(&self, resumer: Option<ExecutionContext>) -> ForcedUnwind {
        // SAFETY: the coroutine is continued by a resume of its owner only.
        unsafe { self.resumer.arrived(resumer) };
        ForcedUnwind::new()
    }

    /// The input that a resume has brought, with the token of the resumer.
    ///
    /// It is common to all ways to leave, because it tells the compiler what the link is: a way
    /// that joins later would have it loaded again by every suspend.
    ///
    /// # Safety
    /// The coroutine has just been resumed by its owner with these, and not to unwind.
    #[inline(always)]
    unsafe fn arrive(&self, resumer: Option<ExecutionContext>, word: Word) -> Input {
        // SAFETY: the coroutine is continued by a resume of its owner only.
        unsafe { self.resumer.arrived(resumer) };
        // SAFETY: with the signal to run a resume sends an `Input`, which waits in its frame.
        unsafe { word.receive_whole() }
    }

    /// A suspend of a coroutine that is tracked; or one that is not granted.
    #[cold]
    #[inline(never)]
    #[track_caller]
    fn leave_unusually(&self, value: Yield) -> Arrived {
        if !self.is_tracked_here() {
            let _ = self.refuse();
            self.unwind_again();
        }
        match self.try_leave_unusually(value) {
            Ok(arrived) => arrived,
            Err(unwind) => unwind.resume(),
        }
    }

    /// As [`leave_unusually`](Self::leave_unusually), for a `try_suspend`.
    #[cold]
    #[inline(never)]
    #[track_caller]
    fn try_leave_unusually(&self, value: Yield) -> Result<Arrived, ForcedUnwind> {
        #[cfg(feature = "std")]
        if self.is_tracked_here() {
            let mut value = ManuallyDrop::new(value);
            let word = Word::send(&mut value);
            // SAFETY: the coroutine runs, on the caller's stack, and is not being dropped; the
            // word sends a `Yield`.
            let arrival = unsafe { self.leave_recorded(word) };
            if arrival.signal == Signal::Unwind {
                return Err(self.unwinds(arrival.from));
            }
            return Ok((arrival.from, arrival.word));
        }
        #[cfg(not(feature = "std"))]
        let _not_sent = value;
        Err(self.refuse())
    }

    /// The coroutine's name, if it was given one.
    ///
    /// ```
    /// let builder = coro::Coroutine::builder().name("parser");
    /// let mut parser = builder.build(|handle, ()| {
    ///     let whoami = format!("here is {}", handle.name().unwrap_or("a coroutine"));
    ///     handle.suspend(whoami);
    /// })?;
    /// assert_eq!(parser.resume(()).yielded().as_deref(), Some("here is parser"));
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    pub fn name(&self) -> Option<&str> {
        self.extras.name()
    }

    /// Whether the caller stands on the stack below this handle, and may suspend.
    ///
    /// Code that runs on this stack is this coroutine's, so it is running. An
    /// outer handle in an inner coroutine, and a handle that was smuggled out
    /// to its resumer, are on another stack.
    #[inline(always)]
    fn runs_here(&self) -> bool {
        ptr::from_ref(self)
            .addr()
            .wrapping_sub(stack_pointer().addr())
            < self.extent.get()
    }

    /// Whether the caller stands on a stack that [`grow`](crate::grow()) has added to that of
    /// this handle, and may suspend.
    #[cold]
    #[inline(never)]
    fn runs_on_growth(&self) -> bool {
        #[cfg(feature = "std")]
        {
            let high = ptr::from_ref(self).addr();
            let below = |address: usize| high.wrapping_sub(address) < self.extent.get();
            crate::grow::origins(stack_pointer().addr()).any(below)
        }
        #[cfg(not(feature = "std"))]
        false
    }

    /// Whether the coroutine is being dropped: a forced unwind takes its frames down.
    #[cfg(feature = "async")]
    pub(crate) fn is_being_dropped(&self) -> bool {
        matches!(self.stage.get(), Stage::Unwinding { .. })
    }

    /// Whether a suspend by the caller would be granted.
    #[inline]
    pub(crate) fn may_suspend(&self) -> bool {
        self.runs_here() || self.runs_on_growth() || self.is_tracked_here()
    }

    /// Whether the coroutine is tracked.
    pub(crate) fn is_tracked(&self) -> bool {
        #[cfg(feature = "std")]
        return self.extras.record().is_some();
        #[cfg(not(feature = "std"))]
        false
    }

    /// Whether the coroutine is tracked, and a suspend by the caller would be granted.
    #[cold]
    #[inline(never)]
    fn is_tracked_here(&self) -> bool {
        #[cfg(feature = "std")]
        return self.tracked_here().is_some();
        #[cfg(not(feature = "std"))]
        false
    }

    /// Answers a suspend that is not granted, if not by the panic of a call from another stack.
    #[cold]
    #[inline(never)]
    #[track_caller]
    fn refuse(&self) -> ForcedUnwind {
        if matches!(self.stage.get(), Stage::Unwinding { .. }) {
            return ForcedUnwind::new();
        }
        unwind::refuse_foreign(self)
    }

    /// Unwinds this coroutine, which is being dropped, once more, because it suspends.
    pub(crate) fn unwind_again(&self) -> ! {
        let in_panic = self.stage.get() == Stage::Unwinding { in_panic: true };
        unwind::unwind_again(self, in_panic)
    }
}

/// "coroutine `parser`", as messages say it, and where a tracked one was created.
impl<Input, Yield> fmt::Display for SuspendHandle<Input, Yield> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "coroutine `{name}`")?,
            None => f.write_str("an unnamed coroutine")?,
        }
        #[cfg(feature = "std")]
        if let Some(record) = self.extras.record() {
            write!(f, ", created at {},", record.created())?;
        }
        Ok(())
    }
}

impl<Input, Yield> fmt::Debug for SuspendHandle<Input, Yield> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SuspendHandle")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
