#[cfg(feature = "std")]
pub(crate) mod backtrace;
mod create;
mod end;
#[cfg(feature = "std")]
pub(crate) use end::STACK_ADVICE;
#[cfg(feature = "std")]
mod release;
mod thread;
#[cfg(feature = "std")]
mod trap;

#[cfg(feature = "std")]
pub use trap::TrapHandler;

use crate::extras::Options;
use crate::handle::Stage;
use crate::{CoroutineState, DefaultStack, ResumeError, Status, SuspendHandle};
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use sure_context::{ExecutionContext, Signal, Word};
use sure_stack::{Stack, StackError};

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
/// - It is neither `Send` nor `Sync`: its type does not say what its frames hold.
#[must_use = "a coroutine does nothing until it is resumed"]
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

#[cfg(feature = "std")]
impl<Input: 'static, Yield: 'static, Return: 'static> Coroutine<Input, Yield, Return> {
    /// A coroutine on a pooled stack of [`DEFAULT_STACK_SIZE`](sure_stack::DEFAULT_STACK_SIZE).
    ///
    /// ```
    /// use coro::{Coroutine, SuspendHandle};
    ///
    /// // What goes in and out is inferred, or said where the closure's arguments are named.
    /// let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), &str>, ()| {
    ///     handle.suspend("hello");
    ///     5
    /// });
    /// assert_eq!(coroutine.resume(()).yielded(), Some("hello"));
    /// assert_eq!(coroutine.resume(()).complete(), Some(5));
    /// ```
    ///
    /// # Panics
    /// If there is no stack to be had; [`try_new`](Coroutine::try_new) returns
    /// the reason instead.
    #[inline]
    #[track_caller]
    pub fn new<F>(f: F) -> Self
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return + 'static,
    {
        match Coroutine::try_new(f) {
            Ok(coroutine) => coroutine,
            Err(error) => no_stack(&error),
        }
    }

    /// As [`new`](Coroutine::new).
    ///
    /// ```
    /// use coro::Coroutine;
    ///
    /// let mut coroutine = Coroutine::try_new(|handle, n: u32| handle.suspend(n + 1))?;
    /// assert_eq!(coroutine.resume(1).yielded(), Some(2));
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Errors
    /// Any [`StackError`] of [`PooledStack::new`](sure_stack::PooledStack::new);
    /// [`StackError::TooSmall`] if an `Input`, a `Yield` or a `Return` takes more than half of
    /// the stack; [`StackError::Thread`] where each coroutine is a thread (the portable backend of
    /// `sure-context`), and the system refuses that.
    #[inline]
    #[track_caller]
    pub fn try_new<F>(f: F) -> Result<Self, StackError>
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return + 'static,
    {
        // SAFETY: all that is borrowed is so for `'static`.
        unsafe { Coroutine::assemble(sure_stack::PooledStack::new()?, Options::NONE, f) }
    }
}

#[cfg(feature = "std")]
impl<Input, Yield, Return> Coroutine<Input, Yield, Return> {
    /// As [`try_new`](Coroutine::try_new), for a closure and values that may borrow.
    ///
    /// ```
    /// use coro::Coroutine;
    ///
    /// let text = String::from("a b c");
    /// // SAFETY: (1, 2) it is dropped at the end of this block, before `text`.
    /// let mut words = unsafe {
    ///     Coroutine::new_unchecked(|handle, ()| text.split(' ').for_each(|w| handle.suspend(w)))?
    /// };
    /// assert_eq!(words.resume(()).yielded(), Some("a"));
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Errors
    /// As [`try_new`](Coroutine::try_new).
    ///
    /// # Safety
    /// As [`with_stack_unchecked`](Coroutine::with_stack_unchecked).
    #[inline]
    #[track_caller]
    pub unsafe fn new_unchecked<F>(f: F) -> Result<Self, StackError>
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return,
    {
        // SAFETY: the caller promises (1) and (2) of `with_stack_unchecked`, which `assemble` asks.
        unsafe { Coroutine::assemble(sure_stack::PooledStack::new()?, Options::NONE, f) }
    }
}

#[cfg(feature = "std")]
impl Coroutine<(), (), ()> {
    /// A coroutine with a name or a stack size of its own; see
    /// [`Builder`](crate::Builder).
    ///
    /// ```
    /// let builder = coro::Coroutine::builder().name("parser").stack_size(64 << 10);
    /// let mut parser = builder.build(|handle, byte: u8| handle.suspend(byte.is_ascii_digit()))?;
    /// assert_eq!(parser.resume(b'7').yielded(), Some(true));
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    #[inline]
    pub fn builder() -> crate::Builder {
        crate::Builder::new()
    }
}

impl<Input: 'static, Yield: 'static, Return: 'static, S: Stack + 'static>
    Coroutine<Input, Yield, Return, S>
{
    /// A coroutine on the given stack.
    ///
    /// ```
    /// use coro::Coroutine;
    /// use sure_stack::GuardedMmapStack;
    ///
    /// let stack = GuardedMmapStack::allocate_at_least(1 << 20)?;
    /// let mut coroutine = Coroutine::with_stack(stack, |handle, n: u32| handle.suspend(n * 2));
    /// assert_eq!(coroutine.resume(4).yielded(), Some(8));
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Panics
    /// If the stack is too small, or there is no thread where each coroutine is one;
    /// [`try_with_stack`](Coroutine::try_with_stack) returns an error instead.
    #[track_caller]
    pub fn with_stack<F>(stack: S, f: F) -> Self
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return + 'static,
    {
        match Coroutine::try_with_stack(stack, f) {
            Ok(coroutine) => coroutine,
            Err(error) => no_stack(&error),
        }
    }

    /// A coroutine on the given stack.
    ///
    /// ```
    /// use coro::{Coroutine, SuspendHandle};
    /// use sure_stack::{GuardedMmapStack, StackError};
    ///
    /// let page = GuardedMmapStack::allocate_at_least(1)?;
    /// let refused = Coroutine::try_with_stack(page, |_: &SuspendHandle<(), ()>, ()| ());
    /// // Unless a page is large here.
    /// if let Err(error) = refused {
    ///     assert!(matches!(error, StackError::TooSmall { .. }));
    /// }
    /// # Ok::<(), StackError>(())
    /// ```
    ///
    /// # Errors
    /// [`StackError::TooSmall`] if the stack has less than [`MIN_STACK_SIZE`](crate::MIN_STACK_SIZE)
    /// bytes, or if an `Input`, a `Yield` or a `Return` takes more than half of it;
    /// [`StackError::Thread`] where each coroutine is a thread (the portable backend of
    /// `sure-context`), and the system refuses that.
    #[track_caller]
    pub fn try_with_stack<F>(stack: S, f: F) -> Result<Self, StackError>
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return + 'static,
    {
        // SAFETY: all that is borrowed is so for `'static`.
        unsafe { Coroutine::assemble(stack, Options::NONE, f) }
    }
}

impl<Input, Yield, Return, S: Stack> Coroutine<Input, Yield, Return, S> {
    /// As [`try_with_stack`](Coroutine::try_with_stack), for a closure, values and a stack that
    /// may borrow.
    ///
    /// The compiler sees what the types of the coroutine borrow, and keeps that alive for as
    /// long as it sees the coroutine. It does not see what the closure alone borrows, nor that
    /// a coroutine can be leaked. Where a `coro::scope` fits, it needs no promise.
    ///
    /// # Errors
    /// As [`try_with_stack`](Coroutine::try_with_stack).
    ///
    /// # Safety
    /// Let `'a` be the shortest lifetime in the types of the closure, the values and the stack.
    /// 1. After `'a` has ended, a coroutine that is not complete is neither resumed nor dropped:
    ///    both run code in its frames.
    /// 2. It is not leaked ([`mem::forget`](core::mem::forget), a cycle of `Rc`) unless nothing
    ///    depends on its destructors: code in its frames may have lent to others what ends with
    ///    `'a`, and counts on a destructor to take it back.
    ///
    /// [The guide](crate::guide::generators) meets both for an iterator that borrows.
    #[inline]
    #[track_caller]
    pub unsafe fn with_stack_unchecked<F>(stack: S, f: F) -> Result<Self, StackError>
    where
        F: FnOnce(&SuspendHandle<Input, Yield>, Input) -> Return,
    {
        // SAFETY: the caller promises (1) and (2), which `assemble` asks.
        unsafe { Coroutine::assemble(stack, Options::NONE, f) }
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
    #[track_caller]
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
            return Err(ResumeError::complete(input));
        };
        let mut input = ManuallyDrop::new(input);
        let word = Word::send(&mut input);
        // SAFETY: the coroutine is suspended, its stack is owned by `self`, and
        // both are of this thread; the handle begins with the link of that
        // stack; the other side receives an `Input`, and continues this
        // execution once, while this call waits.
        let arrival = unsafe { context.resume(self.handle.cast(), word, Signal::Run) };
        match arrival.from {
            Some(context) => {
                self.context = Some(context);
                // SAFETY: `suspend` sent a `Yield` for this.
                Ok(CoroutineState::Yielded(unsafe { arrival.word.receive() }))
            }
            None if arrival.signal == Signal::Run => {
                self.handle().stage.set(Stage::Complete);
                // SAFETY: the root sent the `Return` for this.
                Ok(CoroutineState::Complete(unsafe { arrival.word.receive() }))
            }
            None => {
                // SAFETY: an arrival in a resume of this coroutine.
                let (context, value) = unsafe { Self::left_unusually(self.handle(), arrival) };
                self.context = Some(context);
                Ok(CoroutineState::Yielded(value))
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
            (Stage::Started | Stage::Unwinding { .. }, Some(_)) => Status::Suspended,
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

    /// The most bytes of its stack that were in use at once so far; see
    /// [`sure_stack::high_water_mark`] for what is counted, and its bounds.
    ///
    /// It works at any time of the coroutine's life. A stack from a pool has been used before;
    /// with [`PoolConfig::measure`](sure_stack::PoolConfig::measure) the mark is
    /// that of this coroutine alone.
    ///
    /// ```
    /// use coro::{Coroutine, SuspendHandle};
    /// use sure_stack::{PoolConfig, PooledStack};
    ///
    /// PooledStack::configure(PoolConfig::new().measure(true));
    /// let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), u8>, ()| {
    ///     let numbers = std::hint::black_box([7_u8; 10_000]);
    ///     handle.suspend(numbers[4]);
    /// });
    /// coroutine.resume(());
    /// assert!(coroutine.high_water_mark() > 10_000);
    /// ```
    #[cfg(feature = "std")]
    pub fn high_water_mark(&self) -> usize {
        sure_stack::high_water_mark(&*self.stack)
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
        // SAFETY: `this` is complete, and never used again, nor dropped.
        Ok(unsafe { this.take_stack() })
    }

    #[inline(always)]
    pub(crate) fn handle(&self) -> &SuspendHandle<Input, Yield> {
        // SAFETY: the root stands for as long as the stack is ours; everything
        // in it that changes is in cells, and on this thread.
        unsafe { self.handle.as_ref() }
    }
}

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
#[track_caller]
fn no_stack(error: &StackError) -> ! {
    panic!("no stack for a coroutine: {error}")
}

#[cold]
#[inline(never)]
#[track_caller]
fn resumed_complete<Input, Yield>(handle: &SuspendHandle<Input, Yield>) -> ! {
    panic!("{handle} was resumed, but it is complete")
}
