/// What a resume brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CoroutineState<Yield, Return> {
    /// The coroutine suspended itself and sent this.
    Yielded(Yield),
    /// The coroutine's closure returned this. It cannot be resumed any more.
    Complete(Return),
}

impl<Yield, Return> CoroutineState<Yield, Return> {
    /// The value that was sent by a suspend, if it was one.
    pub fn yielded(self) -> Option<Yield> {
        match self {
            CoroutineState::Yielded(value) => Some(value),
            CoroutineState::Complete(_) => None,
        }
    }

    /// The closure's return value, if it has returned.
    pub fn complete(self) -> Option<Return> {
        match self {
            CoroutineState::Yielded(_) => None,
            CoroutineState::Complete(value) => Some(value),
        }
    }
}

/// Where a coroutine stands in its life.
///
/// | from | to | by |
/// |---|---|---|
/// | `Created` | `Running` | the first resume |
/// | `Created` | `Complete` | drop: the closure is dropped without having run |
/// | `Running` | `Suspended` | [`suspend`](crate::SuspendHandle::suspend) |
/// | `Running` | `Complete` | the closure returns, or a panic leaves it |
/// | `Suspended` | `Running` | resume; or drop, which runs it a last time to unwind it |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It was never resumed.
    Created,
    /// It waits in a suspend.
    Suspended,
    /// It is being resumed: it runs, or something that it has resumed itself.
    Running,
    /// Its closure has returned or panicked.
    Complete,
}
