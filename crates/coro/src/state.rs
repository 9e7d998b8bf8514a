/// What a resume brought.
///
/// ```
/// use coro::{Coroutine, CoroutineState};
///
/// let mut countdown = Coroutine::new(|handle, ()| {
///     (1..=3).rev().for_each(|n| handle.suspend(n));
///     "lift-off"
/// });
/// let said = loop {
///     match countdown.resume(()) {
///         CoroutineState::Yielded(n) => assert!(n > 0),
///         CoroutineState::Complete(said) => break said,
///     }
/// };
/// assert_eq!(said, "lift-off");
/// ```
///
/// Exhaustive: a resume ends in one of these two ways, and a `match` should need no third arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CoroutineState<Yield, Return> {
    /// The coroutine suspended itself and sent this.
    Yielded(Yield),
    /// The coroutine's closure returned this. It cannot be resumed any more.
    Complete(Return),
}

impl<Yield, Return> CoroutineState<Yield, Return> {
    /// The value that was sent by a suspend, if it was one.
    ///
    /// ```
    /// use coro::CoroutineState;
    ///
    /// assert_eq!(CoroutineState::<_, &str>::Yielded(1).yielded(), Some(1));
    /// assert_eq!(CoroutineState::<u8, _>::Complete("end").yielded(), None);
    /// ```
    pub fn yielded(self) -> Option<Yield> {
        match self {
            CoroutineState::Yielded(value) => Some(value),
            CoroutineState::Complete(_) => None,
        }
    }

    /// The closure's return value, if it has returned.
    ///
    /// ```
    /// use coro::CoroutineState;
    ///
    /// assert_eq!(CoroutineState::<u8, _>::Complete("end").complete(), Some("end"));
    /// assert_eq!(CoroutineState::<_, &str>::Yielded(1).complete(), None);
    /// ```
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
///
/// ```
/// use coro::{Coroutine, Status};
///
/// let mut coroutine = Coroutine::new(|handle, ()| handle.suspend(()));
/// let mut seen = vec![coroutine.status()];
/// while coroutine.status() != Status::Complete {
///     coroutine.resume(());
///     seen.push(coroutine.status());
/// }
/// assert_eq!(seen, [Status::Created, Status::Suspended, Status::Complete]);
/// ```
///
/// Exhaustive: the table is the whole life of a coroutine, and what a program does at each of its
/// stages should be checked by the compiler.
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
