use crate::minimum::MIN_STACK_SIZE;
use crate::slot::Slot;
use crate::unwind;
use core::cell::UnsafeCell;
use core::ptr::NonNull;
use sure_context::{
    Arrival, Departure, ParentLink, Signal, Trampoline, Word, prepare, prepare_within,
};
use sure_stack::Stack;

/// Calls a closure on another stack and returns what it returns: for deep
/// recursion, for code that wants more stack than the thread has, and for
/// keeping a small stack small.
///
/// It is a call like any other: it returns when the closure does, so the
/// closure may borrow; panics pass through; a backtrace shows the callers.
///
/// ```
/// use sure_stack::GuardedMmapStack;
///
/// fn depth(list: &[u32]) -> u32 {
///     list.split_first().map_or(0, |(_, rest)| 1 + depth(rest))
/// }
///
/// let list = vec![7; 50_000];
/// let mut large = GuardedMmapStack::allocate_at_least(64 << 20)?;
/// assert_eq!(coro::on_stack(&mut large, || depth(&list)), 50_000);
/// # Ok::<(), sure_stack::StackError>(())
/// ```
///
/// Inside a coroutine, the closure cannot suspend that coroutine: its handle
/// works only on the coroutine's own stack.
///
/// # Panics
/// - With the closure's own panic. Without the feature `std`, that aborts.
/// - If the stack has less than [`MIN_STACK_SIZE`] bytes, or if the closure and its result
///   together take more than half of it.
/// - Where each coroutine is a thread (the portable backend of `sure-context`), if the system has none for the call.
#[inline]
#[track_caller]
pub fn on_stack<S, F, R>(stack: &mut S, f: F) -> R
where
    S: Stack + ?Sized,
    F: FnOnce() -> R,
{
    let bytes = stack.size();
    // The closure moves there to be called, and its result comes from there.
    let moved = size_of::<F>().saturating_add(size_of::<R>());
    let minimum = MIN_STACK_SIZE.max(moved.saturating_mul(2));
    assert!(
        bytes >= minimum,
        "a closure was to run on a stack of {bytes} bytes, but needs {minimum}"
    );
    // SAFETY: the stack is borrowed exclusively, so that its memory is used by
    // nothing else, until the call has returned; it is larger than a first
    // frame and what the call needs.
    unsafe { call_below(stack.base(), Some(stack.limit()), f) }
}

/// Calls a closure on the stack below `base`, which reaches down to `limit`, if that is known.
///
/// # Safety
/// Below `base` is the memory of a stack, writable and used by nothing else until the
/// call has returned, with room for a first frame and for whatever the closure needs.
pub(crate) unsafe fn call_below<F, R>(base: NonNull<u8>, limit: Option<NonNull<u8>>, f: F) -> R
where
    F: FnOnce() -> R,
{
    let call = Call {
        parent: ParentLink::new(),
        slot: UnsafeCell::new(Slot::holding(f)),
    };
    let link = NonNull::from(&call);
    // SAFETY: (1) the caller promises that the memory below `base` is writable, unused and large
    // enough; (2) `call` stays where it is until the closure has ended.
    let context = unsafe {
        match limit {
            Some(limit) => prepare_within(limit, base, link),
            None => prepare(base, link),
        }
    };
    // SAFETY: the context is fresh and of this thread; the link is that of the
    // trampoline given to it, and its field is a cell; no word is read; `run`
    // continues this execution once, while this call waits.
    let arrival = unsafe { context.resume(link.cast(), Word::EMPTY, Signal::Run) };
    debug_assert!(arrival.from.is_none(), "the closure has ended");
    let slot = call.slot.into_inner();
    match arrival.signal {
        // SAFETY: with this signal `run` has left a value, which is taken here only.
        Signal::Run => unsafe { slot.into_value() },
        // SAFETY: with this signal `run` has left a payload, which is taken here only.
        Signal::Unwind => unwind::go_on(unsafe { slot.into_payload() }),
    }
}

/// The root of the other stack. It stands in the caller's frame, which waits.
#[repr(C)]
struct Call<F, R> {
    parent: ParentLink,
    slot: UnsafeCell<Slot<F, R>>,
}

// SAFETY: `#[repr(C)]`, and a `ParentLink` comes first.
unsafe impl<F: FnOnce() -> R, R> Trampoline for Call<F, R> {
    #[inline(always)]
    unsafe fn run(this: NonNull<Self>, _: Arrival) -> Departure {
        // SAFETY: the caller's frame waits; all that changes is in cells.
        let call = unsafe { this.as_ref() };
        // SAFETY: `call_below` has put the closure there, and this runs once.
        let signal = unsafe { Slot::run(call.slot.get(), |f| f()) };
        Departure {
            // SAFETY: the resume that began this has stored the link, it runs
            // now, and the token that arrived is not used.
            to: unsafe { call.parent.resumer() },
            word: Word::EMPTY,
            signal,
        }
    }
}
