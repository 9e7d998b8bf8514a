//! The API, on the thread's own stack and on a shared run stack.

mod backtrace;
mod displaced;
mod drops;
mod kinds;
mod lifecycle;
mod mixed;
mod model;
mod panics;
mod room;
mod scheduler;
#[cfg(target_os = "linux")]
mod signals;
mod threads;
mod values;
