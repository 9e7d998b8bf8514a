use core::fmt;

/// The coroutine cannot be resumed: it is complete. The input that could not
/// be delivered is inside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ResumeError<Input> {
    input: Input,
}

impl<Input> ResumeError<Input> {
    pub(crate) fn new(input: Input) -> Self {
        ResumeError { input }
    }

    /// The input that was not delivered.
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
