use crate::delta::{self, Enter};
use crate::header::{Header, Mode, Stage, Way};
use crate::region::Region;
use crate::root::Root;
use crate::{CoroutineState, DynamicHandle, Refusal, ResumeError, RunStack, Status, UnwindError};
use coro::Resume;
use coro::internal::{self, Payload};
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use sure_context::{Signal, Word, descend};

/// Ordinary code on the thread's own stack, below its resumer, whose
/// frames are copied to the heap while it is suspended.
///
/// ```
/// use coro_dynamic::{CoroutineState, DynamicCoroutine};
///
/// // SAFETY: no address of a local leaves the coroutine, and its locals hold
/// // no address of other code's.
/// let mut coroutine = unsafe {
///     DynamicCoroutine::new(|handle, first: u32| {
///         let second = handle.suspend(first + 1);
///         second * 2
///     })
/// };
/// assert_eq!(coroutine.resume(1), CoroutineState::Yielded(2));
/// assert!(coroutine.saved_bytes() < 4096);
/// assert_eq!(coroutine.resume(10), CoroutineState::Complete(20));
/// ```
///
/// It is one pointer. It is neither `Send` nor `Sync`: its frames can stand
/// only on the stack of the thread that made it.
#[must_use = "a coroutine does nothing until it is resumed"]
pub struct DynamicCoroutine<Input, Yield, Return> {
    header: NonNull<Header>,
    /// What `resume` takes and returns. `Input` and `Yield` are invariant,
    /// together with the handle, whose view is the opposite one.
    types: PhantomData<Types<Input, Yield, Return>>,
}

type Types<Input, Yield, Return> = fn(Input, Yield) -> (Input, Yield, Return);

/// Coroutines that were dropped, but whose frames could not be put back.
static LEAKED: AtomicUsize = AtomicUsize::new(0);

/// How many suspended dynamic coroutines of this process were dropped where
/// their frames could not be put back, so that they were leaked: their memory
/// is not freed, and no destructor in them has run. (One that a thread-local keeps and that
/// calls `process::exit` counts as well: it is dropped while it runs.)
///
/// See [`DynamicCoroutine::unwind`], which returns the coroutine instead.
///
/// ```
/// use coro_dynamic::DynamicCoroutine;
///
/// // SAFETY: (1-4) no address of a local leaves it or comes in; (5) it has no destructors.
/// let mut elsewhere = unsafe { DynamicCoroutine::new(|handle, ()| handle.suspend(())) };
/// elsewhere.resume(());
/// let before = coro_dynamic::leaked();
/// // On another stack its frames cannot be put back.
/// coro::Coroutine::new(move |_: &coro::SuspendHandle<(), ()>, ()| drop(elsewhere)).resume(());
/// assert_eq!(coro_dynamic::leaked(), before + 1);
/// ```
pub fn leaked() -> usize {
    LEAKED.load(Ordering::Relaxed)
}

impl<Input: 'static, Yield: 'static, Return: 'static> DynamicCoroutine<Input, Yield, Return> {
    /// A coroutine on the stack of the calling thread. Its frames begin a
    /// little below those of its first resumer, and have those addresses
    /// whenever it runs.
    ///
    /// ```
    /// use coro_dynamic::{CoroutineState, DynamicCoroutine};
    ///
    /// // SAFETY: (1-4) numbers come in and go out, and no addresses; (5) it has no destructors.
    /// let mut coroutine = unsafe {
    ///     DynamicCoroutine::new(|handle, first: u32| {
    ///         let second = handle.suspend(first + 1);
    ///         second * 2
    ///     })
    /// };
    /// assert_eq!(coroutine.resume(1), CoroutineState::Yielded(2));
    /// assert_eq!(coroutine.resume(10), CoroutineState::Complete(20));
    /// ```
    ///
    /// # Safety
    /// Addresses of locals come and go. The caller promises, for as long as the
    /// coroutine exists:
    ///
    /// 1. *Nothing uses an address inside its frames while it is suspended*: not
    ///    its resumers, other coroutines, other threads (`thread::scope`, say),
    ///    the kernel (asynchronous I/O into a local buffer), nor a list that
    ///    something else walks (wait queues, `pthread_cleanup_push`, a scoped
    ///    thread-local that points to a local).
    /// 2. *It does not use an address inside the frames of other code on this
    ///    stack*, except its own callers' values that it received by move: while
    ///    it runs, those frames may have been displaced by its own.
    ///    That includes frames that have lent something by way of a
    ///    thread-local, a global or an `unsafe` extension of a lifetime, which
    ///    the `'static` bounds do not see.
    /// 3. *While it runs, no other code uses an address inside the frames of its
    ///    resumers*, all the way up, for the same reason: no scoped threads that
    ///    borrow from them, no I/O in flight, no list that runs through them.
    ///    That is not needed while every resume is made from frames above its
    ///    own, that is, never from a deeper call than its first resume.
    /// 4. *Its frames are left only by suspending, returning, or unwinding to
    ///    its root*: no `longjmp` across it, no other library's context switch
    ///    that continues elsewhere while it runs.
    /// 5. *It may be leaked*: where it is dropped but its frames cannot be put
    ///    back (on another stack or thread, or without room), none of its
    ///    destructors run, and no memory safety may depend on them (as with
    ///    [`std::mem::forget`]). [`leaked`] counts these.
    ///
    /// # Panics
    /// If the system does not tell where the thread's stack is;
    /// [`try_new`](DynamicCoroutine::try_new) returns the reason instead.
    #[inline]
    #[track_caller]
    pub unsafe fn new<F>(f: F) -> Self
    where
        F: FnOnce(&DynamicHandle<Input, Yield>, Input) -> Return + 'static,
    {
        // SAFETY: the caller promises (1) to (5), which are those of `try_new`.
        match unsafe { DynamicCoroutine::try_new(f) } {
            Ok(coroutine) => coroutine,
            Err(error) => no_bounds(&error),
        }
    }

    /// As [`new`](DynamicCoroutine::new).
    ///
    /// ```
    /// use coro_dynamic::DynamicCoroutine;
    ///
    /// // SAFETY: (1-4) numbers come in and go out, and no addresses; (5) it has no destructors.
    /// let mut square = unsafe { DynamicCoroutine::try_new(|handle, n: u32| handle.suspend(n * n))? };
    /// assert_eq!(square.resume(12).yielded(), Some(144));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Safety
    /// As for [`new`](DynamicCoroutine::new).
    ///
    /// # Errors
    /// What `pthread_getattr_np(3)` says, if it does not tell where the
    /// thread's stack is.
    #[inline]
    pub unsafe fn try_new<F>(f: F) -> io::Result<Self>
    where
        F: FnOnce(&DynamicHandle<Input, Yield>, Input) -> Return + 'static,
    {
        Ok(DynamicCoroutine::assemble(Region::of_thread()?, f))
    }

    /// A coroutine on a shared run stack, apart from the stack of its resumers.
    ///
    /// ```
    /// use coro_dynamic::{DynamicCoroutine, RunStack};
    ///
    /// let stack = RunStack::new(64 << 10)?;
    /// let adder = |handle: &coro_dynamic::DynamicHandle<u32, u32>, first| handle.suspend(first + 1);
    /// // SAFETY: (1-4) numbers come in and go out, and no addresses; (5) there are no destructors.
    /// let mut pair = unsafe { [0, 1].map(|_| DynamicCoroutine::on_run_stack(&stack, adder)) };
    /// assert_eq!(pair[0].resume(1).yielded(), Some(2));
    /// // Takes the place of the first, whose frames go to the heap.
    /// assert_eq!(pair[1].resume(10).yielded(), Some(11));
    /// assert!(pair[0].saved_bytes() > 0);
    /// assert_eq!(pair[0].resume(5).complete(), Some(5));
    /// # Ok::<(), sure_stack::StackError>(())
    /// ```
    ///
    /// # Safety
    /// As for [`new`](DynamicCoroutine::new), of which promise 3 matters only
    /// where a coroutine on this run stack resumes another one on it.
    #[inline]
    pub unsafe fn on_run_stack<F>(stack: &RunStack, f: F) -> Self
    where
        F: FnOnce(&DynamicHandle<Input, Yield>, Input) -> Return + 'static,
    {
        DynamicCoroutine::assemble(Rc::clone(&stack.region), f)
    }

    #[inline]
    fn assemble<F>(region: Rc<Region>, f: F) -> Self
    where
        F: FnOnce(&DynamicHandle<Input, Yield>, Input) -> Return + 'static,
    {
        let start = Root::<F, Input, Yield, Return>::start;
        let header = Header::create(region, start, size_of::<F>());
        let f = ManuallyDrop::new(f);
        // SAFETY: the block has as many bytes; the closure is moved there.
        unsafe {
            let block = header.as_ref().block();
            ptr::copy_nonoverlapping((&raw const f).cast::<u8>(), block, size_of::<F>());
        }
        DynamicCoroutine {
            header,
            types: PhantomData,
        }
    }
}

impl<Input, Yield, Return> DynamicCoroutine<Input, Yield, Return> {
    /// Runs the coroutine until it suspends or ends: the first time from the
    /// beginning, with the closure's second argument; later from where it
    /// suspended itself, with the value that its `suspend` returns.
    ///
    /// The time is proportional to the bytes that are copied: its frames and,
    /// where it is resumed from deeper down than they begin, those in between.
    ///
    /// ```
    /// use coro_dynamic::DynamicCoroutine;
    ///
    /// // SAFETY: (1-4) strings are moved in and out, and no addresses; (5) no safety depends on their
    /// // destructors.
    /// let mut shouting = unsafe {
    ///     DynamicCoroutine::new(|handle, mut text: String| {
    ///         while !text.is_empty() {
    ///             text = handle.suspend(text.to_uppercase());
    ///         }
    ///         "silence"
    ///     })
    /// };
    /// assert_eq!(shouting.resume("hey".into()).yielded().as_deref(), Some("HEY"));
    /// assert_eq!(shouting.resume(String::new()).complete(), Some("silence"));
    /// ```
    ///
    /// # Panics
    /// - With the coroutine's own panic, if it panics.
    /// - If it is refused; [`try_resume`](DynamicCoroutine::try_resume) returns
    ///   an error instead.
    #[inline]
    #[track_caller]
    pub fn resume(&mut self, input: Input) -> CoroutineState<Yield, Return> {
        match self.try_resume(input) {
            Ok(state) => state,
            Err(error) => refused(error.refusal()),
        }
    }

    /// As [`resume`](DynamicCoroutine::resume).
    ///
    /// ```
    /// use coro_dynamic::{DynamicCoroutine, Refusal};
    ///
    /// // SAFETY: (1-4) no address of a local leaves it or comes in; (5) it has no destructors.
    /// let mut echo = unsafe { DynamicCoroutine::new(|handle, n: u32| handle.suspend(n)) };
    /// assert_eq!(echo.try_resume(1).unwrap().yielded(), Some(1));
    /// assert_eq!(echo.try_resume(2).unwrap().complete(), Some(2));
    /// let error = echo.try_resume(3).unwrap_err();
    /// assert_eq!((error.refusal(), error.into_input()), (Refusal::Complete, 3));
    /// ```
    ///
    /// # Errors
    /// [`ResumeError`], with the reason and the input, if it cannot be resumed
    /// here or is complete. Nothing has changed then.
    ///
    /// # Panics
    /// With the coroutine's own panic, if it panics.
    #[inline]
    pub fn try_resume(
        &mut self,
        input: Input,
    ) -> Result<CoroutineState<Yield, Return>, ResumeError<Input>> {
        let header = self.header();
        let way = match header.admit() {
            Ok(way) => way,
            Err(refusal) => return Err(ResumeError::new(input, refusal)),
        };
        let mut input = ManuallyDrop::new(input);
        let word = Word::send(&mut input);
        let stage = match header.stage() {
            Stage::Created => Stage::Starting,
            _ => Stage::Running,
        };
        // SAFETY: admitted; the word sends an `Input`, which waits here.
        match unsafe { cross(header, way, word, stage) } {
            Outcome::Suspended(word) => {
                // SAFETY: `suspend` sent a `Yield` for this, from its frames.
                let value = unsafe {
                    word.receive_by(|from, to, bytes| {
                        header.fetch_yield(from, to, bytes);
                    })
                };
                Ok(CoroutineState::Yielded(value))
            }
            // SAFETY: it has just ended.
            Outcome::Ended(word) => match unsafe { self.result(word) } {
                Ok(value) => Ok(CoroutineState::Complete(value)),
                Err(payload) => internal::go_on(payload),
            },
        }
    }

    /// Where the coroutine stands in its life.
    ///
    /// ```
    /// use coro_dynamic::{DynamicCoroutine, Status};
    ///
    /// // SAFETY: (1-4) no address of a local leaves it or comes in; (5) it has no destructors.
    /// let mut coroutine = unsafe { DynamicCoroutine::new(|handle, ()| handle.suspend(())) };
    /// assert_eq!(coroutine.status(), Status::Created);
    /// coroutine.resume(());
    /// assert_eq!(coroutine.status(), Status::Suspended);
    /// coroutine.resume(());
    /// assert_eq!(coroutine.status(), Status::Complete);
    /// ```
    pub fn status(&self) -> Status {
        self.header().status()
    }

    /// Whether the closure has returned or panicked, so that nothing is left to resume.
    ///
    /// ```
    /// use coro_dynamic::DynamicCoroutine;
    ///
    /// // SAFETY: (1-4) no address of a local leaves it or comes in; (5) it has no destructors.
    /// let mut steps = unsafe {
    ///     DynamicCoroutine::new(|handle, ()| (0..3).for_each(|n| handle.suspend(n)))
    /// };
    /// let mut sum = 0;
    /// while !steps.is_complete() {
    ///     sum += steps.resume(()).yielded().unwrap_or(0);
    /// }
    /// assert_eq!(sum, 0 + 1 + 2);
    /// ```
    pub fn is_complete(&self) -> bool {
        self.status() == Status::Complete
    }

    /// How many bytes of frames are on the heap: 0 unless it is suspended, and
    /// on a shared run stack while they were left in place.
    ///
    /// ```
    /// use coro_dynamic::DynamicCoroutine;
    ///
    /// let body = |handle: &coro_dynamic::DynamicHandle<(), ()>, ()| {
    ///     let numbers = std::hint::black_box([7_u8; 5000]);
    ///     handle.suspend(());
    ///     assert_eq!(std::hint::black_box(&numbers)[4], 7);
    /// };
    /// // SAFETY: (1-4) no address of a local leaves it or comes in; (5) it has no destructors.
    /// let mut coroutine = unsafe { DynamicCoroutine::new(body) };
    /// assert_eq!(coroutine.saved_bytes(), 0);
    /// coroutine.resume(());
    /// assert!(coroutine.saved_bytes() > 5000);
    /// coroutine.resume(());
    /// assert_eq!(coroutine.saved_bytes(), 0);
    /// ```
    pub fn saved_bytes(&self) -> usize {
        let header = self.header();
        if header.stage() == Stage::Suspended && !header.is_resident() {
            header.bytes()
        } else {
            0
        }
    }

    /// Drops the coroutine now, as `drop` does: a suspended one is resumed a
    /// last time, to run the destructor of everything in its frames.
    ///
    /// ```
    /// use coro_dynamic::DynamicCoroutine;
    /// use std::rc::Rc;
    ///
    /// let counted = Rc::new(());
    /// let inside = counted.clone();
    /// let body = move |handle: &coro_dynamic::DynamicHandle<(), ()>, ()| {
    ///     let _inside = inside;
    ///     handle.suspend(());
    /// };
    /// // SAFETY: (1-4) no address of a local leaves it or comes in; (5) no safety depends on the count.
    /// let mut coroutine = unsafe { DynamicCoroutine::new(body) };
    /// coroutine.resume(());
    /// assert_eq!(Rc::strong_count(&counted), 2);
    /// coroutine.unwind().expect("this is where it was resumed");
    /// assert_eq!(Rc::strong_count(&counted), 1);
    /// ```
    ///
    /// # Errors
    /// The coroutine, if its frames cannot be put back here. (`drop` would
    /// leak it.)
    ///
    /// # Panics
    /// With the panic of a destructor in its frames.
    pub fn unwind(self) -> Result<(), UnwindError<Self>> {
        // A destructor in the frames may panic, after the header has gone.
        let this = ManuallyDrop::new(self);
        this.try_unwind()
            .map_err(|refusal| UnwindError::new(ManuallyDrop::into_inner(this), refusal))
    }

    /// How many words of its frames are not on the heap because they are known.
    #[cfg(test)]
    pub(crate) fn known_words(&self) -> usize {
        self.header().known_bytes() / size_of::<usize>()
    }

    #[inline(always)]
    fn header(&self) -> &Header {
        // SAFETY: the header stands until `release`; everything in it that
        // changes is in cells. (On another thread only the thread's number is
        // looked at, and what a coroutine that stands still does not change.)
        unsafe { self.header.as_ref() }
    }

    /// What the closure has left.
    ///
    /// # Safety
    /// The coroutine has just ended, and sent this word.
    #[inline]
    unsafe fn result(&self, word: Word) -> Result<Return, Payload> {
        let header = self.header();
        let block = header.block();
        // SAFETY: the root has sent the value in the word, or left it or the
        // payload in the block.
        let result = unsafe {
            match header.stage() {
                Stage::Panicked => Err(block.cast::<Payload>().read_unaligned()),
                _ if Word::fits::<Return>() => Ok(word.receive()),
                _ => Ok(block.cast::<Return>().read_unaligned()),
            }
        };
        // Nothing is in the block any more.
        header.resize(0);
        result
    }

    /// Ends the coroutine and releases the header.
    fn try_unwind(&self) -> Result<(), Refusal> {
        let header = self.header();
        match header.stage() {
            Stage::Suspended => self.force()?,
            // It runs: a thread-local kept it, and is destroyed on its frames by a
            // `process::exit`. It is leaked: the frames may be needed until the process ends.
            Stage::Starting | Stage::Running | Stage::Unwinding | Stage::UnwindingInPanic => {
                return Err(Refusal::Running);
            }
            _ if crate::thread::serial() != header.region().thread => {
                return Err(Refusal::OtherThread);
            }
            Stage::Created => {
                let release = Releaser(self.header);
                // SAFETY: it was never started; the closure is dropped once.
                unsafe { header.start()(self.header, None) };
                drop(release);
            }
            // SAFETY: complete, on its own thread, and not used after this.
            Stage::Returned | Stage::Panicked => unsafe { Header::release(self.header) },
        }
        Ok(())
    }

    /// Runs a suspended coroutine a last time, and releases the header.
    #[cold]
    #[inline(never)]
    fn force(&self) -> Result<(), Refusal> {
        let header = self.header();
        let way = header.admit()?;
        if !internal::CAN_UNWIND {
            internal::cannot_unwind(&NAME);
        }
        let in_panic = internal::panicking();
        let stage = if in_panic {
            Stage::UnwindingInPanic
        } else {
            Stage::Unwinding
        };
        // SAFETY: admitted; with the stage of unwinding no input is received.
        let outcome = unsafe { cross(header, way, Word::EMPTY, stage) };
        let Outcome::Ended(word) = outcome else {
            unreachable!("a coroutine that is being dropped does not suspend");
        };
        // SAFETY: it has just ended.
        let result = unsafe { self.result(word) };
        // SAFETY: complete, and not used after this.
        unsafe { Header::release(self.header) };
        // A value that a body has returned in spite of the unwind is dropped with `result`.
        if let Err(payload) = result {
            internal::go_on_after_drop(payload);
        }
        Ok(())
    }
}

/// What messages call a dynamic coroutine.
pub(crate) const NAME: &str = "a dynamic coroutine";

impl<Input, Yield, Return> Resume<Input> for DynamicCoroutine<Input, Yield, Return> {
    type Yield = Yield;
    type Return = Return;

    #[inline]
    fn resume(&mut self, input: Input) -> CoroutineState<Yield, Return> {
        DynamicCoroutine::resume(self, input)
    }
}

/// Releases a header also if the closure's destructor panics.
struct Releaser(NonNull<Header>);

impl Drop for Releaser {
    fn drop(&mut self) {
        // SAFETY: made where nothing else refers to the header any more.
        unsafe { Header::release(self.0) };
    }
}

/// How a resume ended, with the word that came.
enum Outcome {
    Suspended(Word),
    Ended(Word),
}

/// Continues a coroutine and waits until it suspends or ends.
///
/// # Safety
/// [`Header::admit`] has just shown the way, the word sends what the coroutine
/// expects, and the stage is that of one that begins or goes on.
#[inline(always)]
unsafe fn cross(header: &Header, way: Way, word: Word, stage: Stage) -> Outcome {
    header.set_stage(stage);
    let arrival = match way {
        Way::Below(top) => {
            header.region().word.set(word);
            // SAFETY: `top` is far enough below, with room; the header stays;
            // this execution is continued once, when its frames are in place.
            unsafe { descend(top, NonNull::from(header).cast::<Enter>()) }
        }
        Way::Direct => {
            let context = delta::occupy(header);
            header.begin(Mode::Direct);
            let signal = if stage.is_unwinding() {
                Signal::Unwind
            } else {
                Signal::Run
            };
            let parent = NonNull::from(&header.parent);
            // SAFETY: the frames are in place; the link is the root's; the
            // other side continues this execution once, while it waits.
            let mut arrival = unsafe { context.resume(parent, word, signal) };
            if let Some(context) = arrival.from.take() {
                // SAFETY: it has begun above.
                unsafe { header.end() };
                header.suspended(context);
                header.region().resident.set(Some(header.inhabitant()));
            }
            arrival
        }
    };
    match arrival.signal {
        Signal::Run => Outcome::Suspended(arrival.word),
        Signal::Unwind => Outcome::Ended(arrival.word),
    }
}

impl<Input, Yield, Return> Drop for DynamicCoroutine<Input, Yield, Return> {
    #[inline]
    fn drop(&mut self) {
        if self.try_unwind().is_err() {
            LEAKED.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<Input, Yield, Return> fmt::Debug for DynamicCoroutine<Input, Yield, Return> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamicCoroutine")
            .field("status", &self.status())
            .field("saved_bytes", &self.saved_bytes())
            .finish_non_exhaustive()
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn refused(refusal: Refusal) -> ! {
    panic!("{refusal}")
}

#[cold]
#[inline(never)]
#[track_caller]
fn no_bounds(error: &io::Error) -> ! {
    panic!("the bounds of this thread's stack, for a dynamic coroutine: {error}")
}
