mod create;
mod end;

use crate::handle::{Name, Stage};
use crate::root::Root;
use crate::unwind;
use crate::{CoroutineState, DefaultStack, ResumeError, Status, SuspendHandle, transfer};
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use sure_context::{ExecutionContext, Signal};
use sure_stack::{Stack, StackError};

/// The smallest stack that a coroutine accepts, in usable bytes: room for its
/// root and for a panic with its message. (A backtrace, if `RUST_BACKTRACE` asks for
/// one, takes more: some 24 KiB on x86-64.)
///
/// ```
/// use coro::{Coroutine, MIN_STACK_SIZE};
///
/// let builder = Coroutine::builder().stack_size(MIN_STACK_SIZE);
/// let mut small = builder.build(|handle, n: u32| handle.suspend(n + 1))?;
/// assert_eq!(small.resume(1).yielded(), Some(2));
/// # Ok::<(), sure_stack::StackError>(())
/// ```
pub const MIN_STACK_SIZE: usize = 16 << 10;

/// Ordinary code on a stack of its own, which can stop in the middle of any
/// call and go on later.
///
/// ```
/// use coro::{Coroutine, CoroutineState};
///
/// let mut coroutine = Coroutine::new(|handle, first: u32| {
///     let second = handle.suspend(first + 1);
///     second * 2
/// });
/// assert_eq!(coroutine.resume(1), CoroutineState::Yielded(2));
/// assert_eq!(coroutine.resume(10), CoroutineState::Complete(20));
/// ```
///
/// - Values go in as `Input`, come out as `Yield`, and at last as `Return`;
///   all of them, the closure and the stack are `'static`, because a coroutine
///   can be leaked. (In a `coro::scope` it may borrow.)
/// - A panic inside goes on in the caller of [`resume`](Coroutine::resume),
///   with its payload. The coroutine is complete then.
/// - Dropping a suspended coroutine unwinds it: the destructor of every local
///   runs. [`is_forced_unwind`](crate::is_forced_unwind) recognises that unwind.
/// - It is neither `Send` nor `Sync`: nobody can see what its frames hold.
pub struct Coroutine<Input, Yield, Return, S: Stack = DefaultStack> {
    /// The suspended execution. `None` while it runs and when it is complete.
    context: Option<ExecutionContext>,
    /// The handle at the root of the stack; it outlives the closure.
    handle: NonNull<SuspendHandle<Input, Yield>>,
    stack: ManuallyDrop<S>,
    /// What `resume` takes and returns. Together with the handle, whose view is
    /// the opposite one, it makes `Input` and `Yield` invariant: a coroutine that
    /// expects `&'static str` must not be taken for one that expects any `&str`.
    types: PhantomData<fn(Input) -> (Yield, Return)>,
}

impl<Input, Yield, Return, S: Stack> Coroutine<Input, Yield, Return, S> {
    /// Puts a closure on a stack; a large one into a box, of which the stack
    /// holds the pointer. The callers see to what is borrowed: a bound of
    /// `'static`, or the contract of [`borrowing`](Coroutine::borrowing).
    #[inline]
    pub(crate) fn assemble<F>(stack: S, name: Option<Name>, f: F) -> Result<Self, StackError>
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

    /// A coroutine whose closure, values or stack may borrow.
    ///
    /// # Safety
    /// The coroutine is dropped before anything ends that they borrow: not
    /// leaked, nor handed to safe code that could leak it.
    #[cfg(feature = "std")]
    pub(crate) unsafe fn borrowing<F>(
        stack: S,
        name: Option<Name>,
        f: F,
    ) -> Result<Self, StackError>
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return,
    {
        Coroutine::assemble(stack, name, f)
    }

    #[inline]
    fn lay<F>(stack: S, name: Option<Name>, f: F) -> Result<Self, StackError>
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return,
    {
        let root = Root::<F, Input, Yield, Return>::SIZE;
        let minimum = MIN_STACK_SIZE.max(root.saturating_mul(2));
        if stack.size() < minimum {
            return Err(StackError::TooSmall {
                bytes: stack.size(),
                minimum,
            });
        }
        // SAFETY: the stack's memory is its own, and stays where it is for as
        // long as this coroutine keeps it, which is until nothing on it is
        // alive; half of `MIN_STACK_SIZE` exceeds any first frame.
        let (context, handle) =
            unsafe { Root::<F, Input, Yield, Return>::lay(stack.limit(), stack.base(), name, f) };
        Ok(Coroutine {
            context: Some(context),
            handle,
            stack: ManuallyDrop::new(stack),
            types: PhantomData,
        })
    }

    /// Runs the coroutine until it suspends or ends: the first time from the
    /// beginning, with the closure's second argument; later from where it
    /// suspended itself, with the value that its `suspend` returns.
    ///
    /// ```
    /// use coro::{Coroutine, CoroutineState};
    ///
    /// let mut average = Coroutine::new(|handle, first: f64| {
    ///     let (mut sum, mut count) = (first, 1.0);
    ///     while sum < 100.0 {
    ///         sum += handle.suspend(sum / count);
    ///         count += 1.0;
    ///     }
    ///     "that is enough"
    /// });
    /// assert_eq!(average.resume(10.0), CoroutineState::Yielded(10.0));
    /// assert_eq!(average.resume(20.0), CoroutineState::Yielded(15.0));
    /// assert_eq!(average.resume(90.0), CoroutineState::Complete("that is enough"));
    /// ```
    ///
    /// # Panics
    /// - With the coroutine's own panic, if it panics.
    /// - If the coroutine is complete; [`try_resume`](Coroutine::try_resume)
    ///   returns an error instead.
    #[inline(always)]
    pub fn resume(&mut self, input: Input) -> CoroutineState<Yield, Return> {
        match self.try_resume(input) {
            Ok(state) => state,
            Err(_) => resumed_complete(self.handle()),
        }
    }

    /// As [`resume`](Coroutine::resume).
    ///
    /// ```
    /// let mut coroutine = coro::Coroutine::new(|handle, letter: char| handle.suspend(letter));
    /// assert_eq!(coroutine.try_resume('a').unwrap().yielded(), Some('a'));
    /// assert_eq!(coroutine.try_resume('b').unwrap().complete(), Some('b'));
    /// assert_eq!(coroutine.try_resume('c').unwrap_err().into_input(), 'c');
    /// ```
    ///
    /// # Errors
    /// [`ResumeError`], with the input, if the coroutine is complete.
    ///
    /// # Panics
    /// With the coroutine's own panic, if it panics.
    #[inline(always)]
    pub fn try_resume(
        &mut self,
        input: Input,
    ) -> Result<CoroutineState<Yield, Return>, ResumeError<Input>> {
        let Some(context) = self.context.take() else {
            return Err(ResumeError::new(input));
        };
        if unwind::panicking() {
            self.note_panic();
        }
        let mut input = ManuallyDrop::new(input);
        let word = transfer::send(&mut input);
        // SAFETY: the coroutine is suspended, its stack is owned by `self`, and
        // both are of this thread; the handle begins with the link of that
        // stack; the other side receives an `Input`, and continues this
        // execution once, while this call waits.
        let arrival = unsafe { context.resume(self.handle.cast(), word, Signal::Run) };
        match arrival.from {
            Some(context) => {
                self.context = Some(context);
                // SAFETY: `suspend` sent a `Yield` for this.
                Ok(CoroutineState::Yielded(unsafe {
                    transfer::receive(arrival.word)
                }))
            }
            None => {
                // SAFETY: an arrival of this coroutine's exit.
                match unsafe { self.complete(arrival) } {
                    Ok(word) => {
                        // SAFETY: the root sent the `Return` for this.
                        Ok(CoroutineState::Complete(unsafe { transfer::receive(word) }))
                    }
                    Err(payload) => unwind::go_on(payload),
                }
            }
        }
    }

    /// Where the coroutine stands in its life.
    ///
    /// ```
    /// use coro::{Coroutine, Status};
    ///
    /// let mut coroutine = Coroutine::new(|handle, ()| handle.suspend(()));
    /// assert_eq!(coroutine.status(), Status::Created);
    /// coroutine.resume(());
    /// assert_eq!(coroutine.status(), Status::Suspended);
    /// coroutine.resume(());
    /// assert_eq!(coroutine.status(), Status::Complete);
    /// ```
    pub fn status(&self) -> Status {
        match (self.handle().stage.get(), &self.context) {
            (Stage::Complete, _) => Status::Complete,
            (_, None) => Status::Running,
            (Stage::Created, Some(_)) => Status::Created,
            (Stage::Started | Stage::Unwinding, Some(_)) => Status::Suspended,
        }
    }

    /// Whether the closure has returned or panicked, so that nothing is left to resume.
    ///
    /// ```
    /// let mut coroutine = coro::Coroutine::new(|handle, ()| {
    ///     (0..3).for_each(|_| handle.suspend(()));
    /// });
    /// let mut resumes = 0;
    /// while !coroutine.is_complete() {
    ///     coroutine.resume(());
    ///     resumes += 1;
    /// }
    /// assert_eq!(resumes, 4);
    /// ```
    pub fn is_complete(&self) -> bool {
        self.status() == Status::Complete
    }

    /// The name that it was built with, which messages about this coroutine use.
    ///
    /// ```
    /// use coro::{Coroutine, SuspendHandle};
    ///
    /// let idle = |_: &SuspendHandle<(), ()>, ()| ();
    /// let named = Coroutine::builder().name("idle").build(idle)?;
    /// assert_eq!(named.name(), Some("idle"));
    /// assert_eq!(Coroutine::new(idle).name(), None);
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    pub fn name(&self) -> Option<&str> {
        self.handle().name()
    }

    /// Tells the processor that this coroutine is about to be resumed.
    ///
    /// Where thousands take turns, the first touches of a coroutine's stack
    /// are waits for memory; a scheduler that calls this some turns ahead
    /// hides them. Never needed for correctness.
    ///
    /// ```
    /// use coro::Coroutine;
    ///
    /// let mut all: Vec<_> = (0..100)
    ///     .map(|i| Coroutine::new(move |handle, ()| handle.suspend(i)))
    ///     .collect();
    /// let mut sum = 0;
    /// for turn in 0..all.len() {
    ///     if let Some(later) = all.get(turn + 4) {
    ///         later.prefetch();
    ///     }
    ///     sum += all[turn].resume(()).yielded().unwrap();
    /// }
    /// assert_eq!(sum, 99 * 100 / 2);
    /// ```
    #[inline(always)]
    pub fn prefetch(&self) {
        sure_context::prefetch(self.handle.as_ptr());
        if let Some(context) = &self.context {
            context.prefetch();
        }
    }

    /// The stack of a complete coroutine, for another use.
    ///
    /// ```
    /// use coro::Coroutine;
    /// use sure_stack::GuardedMmapStack;
    ///
    /// let stack = GuardedMmapStack::allocate_at_least(1 << 20)?;
    /// let mut first = Coroutine::with_stack(stack, |handle, n: u32| handle.suspend(n));
    /// first.resume(1);
    /// let mut first = first.into_stack().expect_err("it is suspended");
    /// first.resume(2);
    /// let stack = first.into_stack().expect("it is complete");
    /// let mut second = Coroutine::with_stack(stack, |_, n: u32| n + 1);
    /// # let _: &Coroutine<u32, (), u32, GuardedMmapStack> = &second;
    /// assert_eq!(second.resume(1).complete(), Some(2));
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Errors
    /// The coroutine itself, if it is not complete.
    pub fn into_stack(self) -> Result<S, Self> {
        if !self.is_complete() {
            return Err(self);
        }
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is never used again, nor dropped.
        unsafe {
            this.handle.drop_in_place();
            Ok(ManuallyDrop::take(&mut this.stack))
        }
    }

    #[inline(always)]
    fn handle(&self) -> &SuspendHandle<Input, Yield> {
        // SAFETY: the root stands for as long as the stack is ours; everything
        // in it that changes is in cells, and on this thread.
        unsafe { self.handle.as_ref() }
    }

    #[cold]
    fn note_panic(&self) {
        self.handle().resumed_in_panic.set(true);
    }
}

/// A closure that is too large for its stack.
#[cfg(feature = "std")]
type BoxedBody<'a, Input, Yield, Return> =
    std::boxed::Box<dyn FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return + 'a>;

impl<Input, Yield, Return, S: Stack> fmt::Debug for Coroutine<Input, Yield, Return, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coroutine")
            .field("name", &self.name())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

#[cold]
#[inline(never)]
fn resumed_complete<Input, Yield>(handle: &SuspendHandle<Input, Yield>) -> ! {
    panic!("{handle} was resumed, but it is complete")
}
