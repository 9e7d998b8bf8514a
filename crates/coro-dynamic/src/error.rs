use std::error::Error;
use std::fmt;

/// Why a coroutine was not resumed. Nothing has changed.
///
/// Non-exhaustive: there may be more reasons, and nothing has changed after any of them.
///
/// ```
/// use coro_dynamic::{DynamicCoroutine, Refusal};
///
/// // SAFETY: (1-4) no address of a local leaves it or comes in; (5) it has no destructors.
/// let mut dynamic = unsafe { DynamicCoroutine::new(|handle, ()| handle.suspend(())) };
/// dynamic.resume(());
/// let mut other = coro::Coroutine::new(move |_: &coro::SuspendHandle<(), ()>, ()| {
///     let refusal = dynamic.try_resume(()).unwrap_err().refusal();
///     (refusal, dynamic)
/// });
/// let (refusal, mut dynamic) = other.resume(()).complete().expect("it does not suspend");
/// assert_eq!(refusal, Refusal::OtherStack);
/// // Nothing has changed.
/// assert!(dynamic.resume(()).complete().is_some());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Its closure has returned or panicked.
    Complete,
    /// It is being resumed right now.
    Running,
    /// It belongs to another thread.
    OtherThread,
    /// The caller stands on another stack than the one that holds the
    /// coroutine's addresses: inside a `coro::Coroutine`, say.
    OtherStack,
    /// A coroutine on the shared run stack is in the middle of a call to
    /// another stack, from where the caller comes.
    Busy,
    /// The copy would reach beyond the end of the stack.
    NoRoom {
        /// Bytes of stack that are needed below the caller.
        needed: usize,
        /// Bytes of stack that are left below the caller.
        available: usize,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Complete => f.write_str("a complete dynamic coroutine was resumed"),
            Refusal::Running => f.write_str("a dynamic coroutine was resumed while it runs"),
            Refusal::OtherThread => f.write_str(
                "a dynamic coroutine was resumed on another thread: its frames can stand \
                 only on the stack of the thread that made it",
            ),
            Refusal::OtherStack => f.write_str(
                "a dynamic coroutine was resumed by code that runs on another stack than the \
                 one that its frames belong to: resume it from the thread's own stack, or give \
                 it a shared run stack",
            ),
            Refusal::Busy => f.write_str(
                "a shared run stack is in use by a dynamic coroutine that called the resumer \
                 on another stack: give the inner coroutine a run stack of its own",
            ),
            Refusal::NoRoom { needed, available } => write!(
                f,
                "resuming a dynamic coroutine needs {needed} bytes of stack here, and \
                 {available} are left: resume it from a shallower call, or give the thread a \
                 larger stack"
            ),
        }
    }
}

impl Error for Refusal {}

/// A coroutine that could not be unwound: the reason, and the coroutine, as it was.
///
/// ```
/// use coro_dynamic::{DynamicCoroutine, Refusal};
///
/// // SAFETY: (1-4) no address of a local leaves it or comes in; (5) it has no destructors.
/// let mut dynamic = unsafe { DynamicCoroutine::new(|handle, ()| handle.suspend(())) };
/// dynamic.resume(());
/// let mut other = coro::Coroutine::new(move |_: &coro::SuspendHandle<(), ()>, ()| {
///     dynamic.unwind().expect_err("this is another stack")
/// });
/// let error = other.resume(()).complete().expect("it does not suspend");
/// assert_eq!(error.refusal(), Refusal::OtherStack);
/// // Here it is possible.
/// error.into_coroutine().unwind().expect("this is where it was resumed");
/// ```
pub struct UnwindError<C> {
    coroutine: C,
    refusal: Refusal,
}

impl<C> UnwindError<C> {
    pub(crate) fn new(coroutine: C, refusal: Refusal) -> Self {
        UnwindError { coroutine, refusal }
    }

    /// Why it was not unwound.
    pub fn refusal(&self) -> Refusal {
        self.refusal
    }

    /// The coroutine, to be unwound or resumed where that is possible.
    pub fn into_coroutine(self) -> C {
        self.coroutine
    }
}

impl<C> fmt::Debug for UnwindError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnwindError")
            .field("refusal", &self.refusal)
            .finish_non_exhaustive()
    }
}

impl<C> fmt::Display for UnwindError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not unwound: {}", self.refusal)
    }
}

impl<C> Error for UnwindError<C> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.refusal)
    }
}
