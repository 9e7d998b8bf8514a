use core::fmt;

/// The coroutine cannot be resumed: it is complete. The input that could not
/// be delivered is inside.
///
/// ```
/// let mut done = coro::Coroutine::new(|_: &coro::SuspendHandle<String, ()>, _| ());
/// done.resume(String::from("first"));
/// let error = done.try_resume(String::from("second")).unwrap_err();
/// assert_eq!(error.to_string(), "a complete coroutine was resumed");
/// assert_eq!(error.into_input(), "second");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ResumeError<Input> {
    input: Input,
}

impl<Input> ResumeError<Input> {
    pub(crate) fn new(input: Input) -> Self {
        ResumeError { input }
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

impl<Input> fmt::Debug for ResumeError<Input> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResumeError").finish_non_exhaustive()
    }
}

impl<Input> fmt::Display for ResumeError<Input> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a complete coroutine was resumed")
    }
}

impl<Input> core::error::Error for ResumeError<Input> {}
