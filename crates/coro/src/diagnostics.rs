//! What a program in trouble needs, in one call.

use crate::track;
use std::fmt;
use std::io;
use sure_stack::StackError;

/// Turns on what tells of a program in trouble. To be called first in `main`:
///
/// ```no_run
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     coro::diagnostics::install()?;
///     // ...
/// #   Ok(())
/// }
/// ```
///
/// - *Stack overflows* explain themselves, instead of a bare `SIGSEGV`:
///   [`sure_stack::overflow::install`].
/// - *Coroutines are tracked* from here on: [`track::enable`]. Panics over mistakes and the message of an
///   overflow tell where the coroutine was created, and debuggers find all of them.
/// - *`SIGQUIT`* (Ctrl-\ in a terminal, `kill -QUIT`) writes where all coroutines are to standard error,
///   and the program goes on: [`track::dump_on_signal`]. If the program handles or ignores that signal
///   already, it stays so, and [`track::dump_on_signal`] takes another.
///
/// What it costs is told [there](track#cost): a hundred nanoseconds or so for each suspend. A
/// program that cannot afford it calls the first alone, and
/// [tracks](crate::Builder::tracked) the few coroutines that matter.
///
/// Calling it again does nothing more.
///
/// # Errors
/// [`DiagnosticsError`], if the system refuses the handlers, memory for them, or a thread. What was
/// turned on before stays on.
pub fn install() -> Result<(), DiagnosticsError> {
    sure_stack::overflow::install().map_err(DiagnosticsError::Overflow)?;
    track::enable();
    match track::dump_on_signal(sure_stack::internal::ASK) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(DiagnosticsError::Signal(error))
        }
        _ => Ok(()),
    }
}

/// What could not be turned on.
#[derive(Debug)]
#[non_exhaustive]
pub enum DiagnosticsError {
    /// The message of a stack overflow.
    Overflow(StackError),
    /// The dump on a signal.
    Signal(io::Error),
}

impl fmt::Display for DiagnosticsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DiagnosticsError::Overflow(error) => write!(f, "no message of overflows: {error}"),
            DiagnosticsError::Signal(error) => write!(f, "no dump on a signal: {error}"),
        }
    }
}

impl std::error::Error for DiagnosticsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            DiagnosticsError::Overflow(error) => Some(error),
            DiagnosticsError::Signal(error) => Some(error),
        }
    }
}
