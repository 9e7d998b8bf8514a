use crate::arch::{self, Landing};
use crate::sanitizer;
use crate::{Arrival, ExecutionContext, ParentLink, Signal, Word};
use core::error::Error;
use core::fmt;
use core::num::NonZeroUsize;
use core::ptr::NonNull;

/// What runs first on a fresh stack.
///
/// The machine part knows no coroutine type; it knows that there is an object
/// with a `run`. The object stands wherever its owner puts it, usually at the
/// high end of the stack itself, and is also the stack's root: unwinders find
/// the resumer through the [`ParentLink`] at its beginning.
///
/// # Safety
/// The type is `#[repr(C)]` and its first field is a [`ParentLink`].
pub unsafe trait Trampoline: Sized {
    /// Runs on the fresh stack, once, and returns where to go when it is done.
    /// Its frame, and everything below it, has been dropped by then.
    ///
    /// A panic must not leave `run`: it aborts the process.
    ///
    /// # Safety
    /// Called only by the first frame that [`prepare`] made for `this`, which
    /// is the object that was given there.
    unsafe fn run(this: NonNull<Self>, arrival: Arrival) -> Departure;
}

/// The last switch of an execution that is done; see [`ExecutionContext::exit_to`].
#[derive(Debug)]
#[must_use = "it says where execution goes on"]
pub struct Departure {
    /// The execution that is continued. It arrives with `from: None`.
    pub to: ExecutionContext,
    /// The word that it receives.
    pub word: Word,
    /// The signal that it receives.
    pub signal: Signal,
}

/// The most that a first frame takes on any target, in bytes.
pub const FIRST_FRAME_SIZE: usize = 512;

const _: () = assert!(arch::FIRST_FRAME + arch::STACK_ALIGNMENT <= FIRST_FRAME_SIZE);

/// The system has no thread for another execution.
///
/// Only the portable backend needs one. Where a switch is machine code this has no value, and the
/// compiler leaves out what a caller does with it.
#[derive(Debug)]
pub struct NoThread(pub(crate) arch::Refusal);

impl NoThread {
    /// What the system said: `errno`, or on Windows what `GetLastError` returns.
    pub fn raw_os_error(&self) -> i32 {
        arch::os_error(&self.0)
    }
}

impl fmt::Display for NoThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no thread to run on: {}; with the portable backend of sure-context each execution is one, \
             and the system limits their number and their memory",
            self.0
        )
    }
}

impl Error for NoThread {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// Lays out the first frame of an execution that will call
/// [`T::run`](Trampoline::run) on the memory below `base` (its high end,
/// exclusive), and returns it, suspended before its first instruction.
///
/// `base` is rounded down to the alignment that the ABI wants of a stack
/// pointer; with that, the first frame takes at most [`FIRST_FRAME_SIZE`] bytes.
/// How much more `run` needs is for the caller to know. Constant time, one cache
/// line touched.
///
/// # Panics
/// With the portable backend, if the system has no thread for it; [`try_prepare_within`] returns an error
/// instead.
///
/// # Safety
/// 1. The [`FIRST_FRAME_SIZE`] bytes below `base`, and those that `run` needs
///    below them, are writable, used by nothing else, and stay so while the
///    execution may continue.
/// 2. `trampoline` is valid when the execution is continued first, and stays where it is while the
///    execution may continue.
#[inline]
pub unsafe fn prepare<T: Trampoline>(
    base: NonNull<u8>,
    trampoline: NonNull<T>,
) -> ExecutionContext {
    // SAFETY: the caller promises the same of `base` (1) and of `trampoline` (2).
    granted(unsafe { lay_out(None, base, trampoline) })
}

/// As [`prepare`], and tells sanitizers that the stack reaches down to `limit`: their reports say then of
/// all addresses there whose they are. Otherwise they are told of 64 KiB. What they know of frames
/// that were there before is forgotten. Without a sanitizer it is the same function.
///
/// # Panics
/// As [`prepare`].
///
/// # Safety
/// 1. As (1) of [`prepare`]. All bytes from `limit` up to `base` are of the same stack, and nothing
///    in them is needed by anything else.
/// 2. As (2) of [`prepare`].
#[inline]
pub unsafe fn prepare_within<T: Trampoline>(
    limit: NonNull<u8>,
    base: NonNull<u8>,
    trampoline: NonNull<T>,
) -> ExecutionContext {
    // SAFETY: the caller promises (1) and (2), which are the same.
    granted(unsafe { try_prepare_within(limit, base, trampoline) })
}

/// As [`prepare_within`], for callers that can do without the execution.
///
/// # Errors
/// [`NoThread`] with the portable backend, if the system has no thread for it.
///
/// # Safety
/// As for [`prepare_within`].
#[inline]
pub unsafe fn try_prepare_within<T: Trampoline>(
    limit: NonNull<u8>,
    base: NonNull<u8>,
    trampoline: NonNull<T>,
) -> Result<ExecutionContext, NoThread> {
    sanitizer::reused(limit, base);
    // SAFETY: the caller promises the same of `base` (1) and of `trampoline` (2).
    unsafe { lay_out(Some(limit), base, trampoline) }
}

#[inline(always)]
fn granted(prepared: Result<ExecutionContext, NoThread>) -> ExecutionContext {
    match prepared {
        Ok(context) => context,
        Err(refused) => panic!("{refused}"),
    }
}

/// # Errors
/// As for [`try_prepare_within`].
///
/// # Safety
/// As for [`prepare`].
#[inline(always)]
unsafe fn lay_out<T: Trampoline>(
    limit: Option<NonNull<u8>>,
    base: NonNull<u8>,
    trampoline: NonNull<T>,
) -> Result<ExecutionContext, NoThread> {
    let base = base.as_ptr();
    let top = base.map_addr(|base| base & !(arch::STACK_ALIGNMENT - 1));
    // SAFETY: the bytes below `top` are the caller's (1), more than a first
    // frame takes; the object begins with a link (`Trampoline`) and stays (2).
    let saved = unsafe { arch::prepare(top, enter::<T>, trampoline.as_ptr().cast()) };
    let saved = saved.map_err(NoThread)?;
    sanitizer::prepared(saved, limit, top.addr());
    // SAFETY: an address inside the caller's memory is not null.
    let saved = unsafe { NonZeroUsize::new_unchecked(saved) };
    Ok(ExecutionContext::from_saved(saved))
}

/// The adapter between the machine part and [`Trampoline::run`].
///
/// # Safety
/// Called by the root function of a frame that `prepare::<T>` made.
unsafe extern "C" fn enter<T: Trampoline>(
    from: usize,
    word: Word,
    signal: usize,
    object: *mut u8,
) -> arch::Left {
    sanitizer::after_first_entry(from);
    // SAFETY: `prepare` was given a `NonNull<T>`.
    let this = unsafe { NonNull::new_unchecked(object.cast::<T>()) };
    // SAFETY: the first frame of `this` calls it, by way of the root function, and once.
    let Departure { to, word, signal } =
        unsafe { T::run(this, Arrival::new(Landing { from, word, signal })) };
    // SAFETY: `run` vouches for its departure; its frame is gone, and this one
    // has nothing to drop.
    unsafe { to.leave_for(word, signal) }
}

/// A [`Trampoline`] for a plain closure.
///
/// ```
/// use core::ptr::NonNull;
/// use sure_context::{Departure, FnTrampoline, Signal, Word, prepare};
///
/// let mut stack = vec![0_u128; 4096];
/// let base = NonNull::new(stack.as_mut_ptr_range().end).unwrap().cast();
///
/// let mut first = FnTrampoline::new(|arrival| {
///     // SAFETY: the resumer sends a number.
///     let n = unsafe { arrival.word.as_usize() };
///     let to = arrival.from.expect("a resumer");
///     Departure { to, word: Word::from_usize(n + 1), signal: Signal::Run }
/// });
/// let first = NonNull::from(&mut first);
/// // SAFETY: memory and trampoline are not touched until the execution is done.
/// let context = unsafe { prepare(base, first) };
/// // SAFETY: the link belongs to this execution; both sides send numbers.
/// let arrival = unsafe { context.resume(first.cast(), Word::from_usize(41), Signal::Run) };
/// assert!(arrival.from.is_none(), "it is done");
/// // SAFETY: the closure sends a number.
/// assert_eq!(unsafe { arrival.word.as_usize() }, 42);
/// ```
#[derive(Debug)]
#[repr(C)]
pub struct FnTrampoline<F> {
    parent: ParentLink,
    function: Option<F>,
}

impl<F: FnOnce(Arrival) -> Departure> FnTrampoline<F> {
    /// Will call `function` with the first arrival and leave as it says.
    pub fn new(function: F) -> Self {
        FnTrampoline {
            parent: ParentLink::new(),
            function: Some(function),
        }
    }
}

// SAFETY: `#[repr(C)]`, and a `ParentLink` comes first.
unsafe impl<F: FnOnce(Arrival) -> Departure> Trampoline for FnTrampoline<F> {
    unsafe fn run(mut this: NonNull<Self>, arrival: Arrival) -> Departure {
        // SAFETY: the object is valid (`prepare`, 2), and the only other use of
        // it while this runs is of the link, which is another field.
        let function = unsafe { &mut this.as_mut().function };
        let function = function.take().expect("a first frame runs once");
        function(arrival)
    }
}
