use crate::arch::{self, Landing};
use crate::sanitizer;
use crate::{ParentLink, Word};
use core::fmt;
use core::marker::PhantomData;
use core::num::NonZeroUsize;
use core::ptr::{self, NonNull};

/// A suspended execution: one word that says where its registers are saved.
///
/// It is a use-once token. [`resume`](ExecutionContext::resume),
/// [`switch`](ExecutionContext::switch) and [`exit_to`](ExecutionContext::exit_to)
/// consume it, and the execution that comes back hands over a fresh one, so
/// nothing is continued twice by accident. It is neither `Copy` nor `Clone`, and bound to
/// its thread: neither `Send` nor `Sync`.
///
/// A stack is *on this thread*, as the obligations below say it, if its execution was suspended here; or
/// if it was suspended on another thread, all code in its frames allows the change, and what hands it
/// over orders what it did there before what it does here. The switch saves and restores no register
/// that belongs to the thread.
///
/// Dropping one abandons the frames of that execution: their destructors never
/// run. Whether that is sound is for the layer above to say.
#[must_use = "dropping a context abandons the frames of that execution"]
#[repr(transparent)]
pub struct ExecutionContext {
    saved: NonZeroUsize,
    not_send: PhantomData<*mut ()>,
}

/// What an execution should do when it is continued.
///
/// Exhaustive: it travels in a register as 0 or 1, and both sides must know all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Go on.
    Run,
    /// Unwind yourself; or, together with an exit: "I ended by unwinding".
    Unwind,
}

impl Signal {
    #[inline(always)]
    fn from_register(value: usize) -> Signal {
        if value == Signal::Run as usize {
            Signal::Run
        } else {
            Signal::Unwind
        }
    }
}

/// What a switch returns when another execution switches back.
#[derive(Debug)]
#[must_use = "it holds the execution that was left"]
pub struct Arrival {
    /// The execution that switched here; `None` if it exited.
    pub from: Option<ExecutionContext>,
    /// The word that it sent.
    pub word: Word,
    /// What it asks for.
    pub signal: Signal,
}

impl Arrival {
    #[inline(always)]
    pub(crate) fn new(landing: Landing) -> Arrival {
        Arrival {
            from: NonZeroUsize::new(landing.from).map(ExecutionContext::from_saved),
            word: landing.word,
            signal: Signal::from_register(landing.signal),
        }
    }
}

impl ExecutionContext {
    /// Bytes below [`stack_pointer`](ExecutionContext::stack_pointer) that a
    /// suspended execution still uses on this target: its saved registers, where
    /// they lie in a red zone. (The rest of that zone is empty.)
    pub const BYTES_BELOW: usize = arch::BYTES_BELOW;

    /// How many words at the high end of a fresh stack hold what is known in advance, at most.
    ///
    /// The compiler begins a function by saving registers for its caller, also one that never returns: the entry of an
    /// execution, whose caller is the root of the stack. Where this is not 0, the highest word of the stack is
    /// the [return address](ParentLink::return_address) of the parent link once the entry runs, and the next ones, as
    /// many as the entry saves registers, hold the address of the trampoline. A layer that copies frames
    /// can make these words itself. How many they are must be looked at: below may be anything.
    pub const ENTRY_WORDS: usize = arch::ENTRY_WORDS;

    #[inline(always)]
    pub(crate) fn from_saved(saved: NonZeroUsize) -> ExecutionContext {
        ExecutionContext {
            saved,
            not_send: PhantomData,
        }
    }

    #[inline(always)]
    pub(crate) fn address(&self) -> NonZeroUsize {
        self.saved
    }

    /// The token as a number, for places that hold one word: an address,
    /// aligned to the machine word.
    #[inline(always)]
    pub fn into_raw(self) -> NonZeroUsize {
        self.saved
    }

    /// The number of the token, to be shown or compared: the token stays where it is.
    #[inline(always)]
    pub fn as_raw(&self) -> NonZeroUsize {
        self.saved
    }

    /// The token again.
    ///
    /// # Safety
    /// `raw` came from [`into_raw`](ExecutionContext::into_raw), and no other
    /// token made from it is continued.
    #[inline(always)]
    pub unsafe fn from_raw(raw: NonZeroUsize) -> ExecutionContext {
        ExecutionContext::from_saved(raw)
    }

    /// Suspends the caller, notes it in `parent` as the resumer, and continues
    /// `self` with a word and a signal. Returns when another execution
    /// continues the caller.
    ///
    /// The note is what unwinders, debuggers and profilers follow from the
    /// stack of `self` into the caller. It is stored, never loaded here.
    ///
    /// # Safety
    /// 1. The stack of `self` is alive, on this thread, and its frames have not moved.
    /// 2. `parent` is the link of the trampoline at the root of the stack on
    ///    which `self` continues, and valid for writes.
    /// 3. The other side understands `word`.
    /// 4. The caller's context, which the other side receives, is continued at
    ///    most once, and while the caller's stack is alive.
    #[inline(always)]
    pub unsafe fn resume(self, parent: NonNull<ParentLink>, word: Word, signal: Signal) -> Arrival {
        let hooks = sanitizer::before_switch(self.saved.get());
        let link = parent.as_ptr().cast();
        // SAFETY: the token was not used before, and its stack is alive (1); the link may be written (2).
        let landing = unsafe { arch::resume(self.saved.get(), link, word, signal as usize) };
        sanitizer::after_switch(hooks, landing.from);
        Arrival::new(landing)
    }

    /// Suspends the caller and continues `self` with a word and a signal.
    /// Returns when another execution continues the caller.
    ///
    /// No parent link changes: this is the way back to a resumer, and the
    /// switch between equals.
    ///
    /// # Safety
    /// 1. The stack of `self` is alive, on this thread, and its frames have not moved.
    /// 2. The other side understands `word`.
    /// 3. The caller's context, which the other side receives, is continued at
    ///    most once, and while the caller's stack is alive.
    #[inline(always)]
    pub unsafe fn switch(self, word: Word, signal: Signal) -> Arrival {
        let hooks = sanitizer::before_switch(self.saved.get());
        // SAFETY: the token was not used before, and its stack is alive (1).
        let landing = unsafe { arch::switch(self.saved.get(), word, signal as usize) };
        sanitizer::after_switch(hooks, landing.from);
        Arrival::new(landing)
    }

    /// Continues `self` for good: it arrives there with `from: None`, and the
    /// caller's stack may be given away at once.
    ///
    /// # Safety
    /// 1. The stack of `self` is alive, on this thread, and its frames have not moved.
    /// 2. The other side understands `word`.
    /// 3. No frame of the caller's stack has anything left to drop.
    #[inline(always)]
    pub unsafe fn exit_to(self, word: Word, signal: Signal) -> ! {
        sanitizer::before_exit(self.saved.get());
        // SAFETY: the token was not used before, and its stack is alive (1);
        // the frames left behind need nothing any more (3).
        unsafe { arch::exit_to(self.saved.get(), word, signal as usize) }
    }

    /// As [`exit_to`](Self::exit_to), as the last act of an entry.
    ///
    /// # Safety
    /// As for [`exit_to`](Self::exit_to); the caller returns what this returns.
    #[inline(always)]
    pub(crate) unsafe fn leave_for(self, word: Word, signal: Signal) -> arch::Left {
        sanitizer::before_exit(self.saved.get());
        // SAFETY: the token was not used before, and its stack is alive; the
        // frames left behind need nothing any more.
        unsafe { arch::leave(self.saved.get(), word, signal as usize) }
    }

    /// Drops the token of an execution that will never be continued, and tells sanitizers so: they keep
    /// something for each execution, and know variables in its frames, where other ones may come.
    /// Without a sanitizer it is a drop like any other.
    ///
    /// # Safety
    /// No other token of this execution (from [`into_raw`](Self::into_raw), or a
    /// [`ParentLink`]) is continued.
    #[inline(always)]
    pub unsafe fn abandon(self) {
        sanitizer::abandoned(self.saved.get());
    }

    /// The stack pointer with which this execution will continue. Everything
    /// from [`BYTES_BELOW`](Self::BYTES_BELOW) below it up to the high end of its stack is in use.
    ///
    /// On most targets it is one of the saved registers, so this reads the stack of `self`.
    ///
    /// # Safety
    /// 1. The stack of `self` is alive: its memory may be read.
    /// 2. The frames of `self` are in place: what is read is what the switch saved.
    #[inline]
    pub unsafe fn stack_pointer(&self) -> *mut u8 {
        // SAFETY: a token is the address of saved registers, which may be read
        // (1) and are still those that were saved there (2).
        unsafe { arch::stack_pointer_of(self.saved.get()) }
    }

    /// Asks the processor to bring the saved registers into its cache. A hint
    /// for schedulers that know which execution comes next.
    #[inline(always)]
    pub fn prefetch(&self) {
        arch::prefetch(ptr::without_provenance(self.saved.get()));
    }
}

impl fmt::Debug for ExecutionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ExecutionContext")
            .field(&format_args!("{:#x}", self.saved))
            .finish()
    }
}

/// The caller's stack pointer, up to the size of the caller's frame: a way to
/// tell on which stack code runs.
///
/// The compiler may read it once where a function asks twice, and earlier or
/// later than written, but always in the function that asks or in one that this
/// is inlined into. All of these have one frame, on one stack: a switch returns
/// on the stack that it left, and what runs on a fresh stack is entered through
/// an address that the compiler does not know, so it is never inlined.
#[inline(always)]
pub fn stack_pointer() -> *mut u8 {
    arch::stack_pointer()
}
