use core::error::Error;
use core::fmt;

/// A coroutine that was not resumed: the input that could not be delivered, and the reason.
/// Nothing has changed.
///
/// For a coroutine with a stack of its own there is one reason, [`Complete`].
///
/// ```
/// let mut done = coro::Coroutine::new(|_: &coro::SuspendHandle<String, ()>, _| ());
/// done.resume(String::from("first"));
/// let error = done.try_resume(String::from("second")).unwrap_err();
/// assert_eq!(error.to_string(), "a complete coroutine was resumed");
/// assert_eq!(error.into_input(), "second");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ResumeError<Input, Refusal = Complete> {
    input: Input,
    refusal: Refusal,
}

/// Why a coroutine was not resumed: its closure has returned or panicked.
/// Non-exhaustive, so that it may have fields: what the coroutine ended with, say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Complete;

impl<Input> ResumeError<Input> {
    pub(crate) fn complete(input: Input) -> Self {
        ResumeError::new(input, Complete)
    }
}

impl<Input, Refusal> ResumeError<Input, Refusal> {
    /// For coroutines of other kinds.
    ///
    /// ```
    /// let error = coro::ResumeError::new(5, "it is busy");
    /// assert_eq!((error.to_string(), error.into_input()), (String::from("it is busy"), 5));
    /// ```
    pub fn new(input: Input, refusal: Refusal) -> Self {
        ResumeError { input, refusal }
    }

    /// Why it was not resumed.
    ///
    /// ```
    /// let mut done = coro::Coroutine::new(|_: &coro::SuspendHandle<(), ()>, ()| ());
    /// done.resume(());
    /// let coro::Complete { .. } = done.try_resume(()).unwrap_err().refusal();
    /// ```
    pub fn refusal(&self) -> Refusal
    where
        Refusal: Copy,
    {
        self.refusal
    }

    /// The input that was not delivered.
    ///
    /// ```
    /// let mut done = coro::Coroutine::new(|_: &coro::SuspendHandle<Box<u8>, ()>, _| ());
    /// done.resume(Box::new(1));
    /// assert_eq!(*done.try_resume(Box::new(2)).unwrap_err().into_input(), 2);
    /// ```
    pub fn into_input(self) -> Input {
        self.input
    }
}

impl fmt::Display for Complete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a complete coroutine was resumed")
    }
}

impl Error for Complete {}

impl<Input, Refusal: fmt::Debug> fmt::Debug for ResumeError<Input, Refusal> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResumeError")
            .field("refusal", &self.refusal)
            .finish_non_exhaustive()
    }
}

impl<Input, Refusal: fmt::Display> fmt::Display for ResumeError<Input, Refusal> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal.fmt(f)
    }
}

impl<Input, Refusal: fmt::Debug + fmt::Display> Error for ResumeError<Input, Refusal> {}
