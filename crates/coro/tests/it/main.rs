//! The behaviour of coroutines, from outside.

mod backtrace;
#[cfg(unix)]
mod c_frames;
#[cfg(feature = "async")]
mod cancel;
mod crashes;
mod current;
mod delegate;
mod drops;
mod errors;
#[cfg(unix)]
mod fork;
#[cfg(feature = "async")]
mod future;
#[cfg(not(any(sure_context_portable, windows)))]
mod gdb;
mod grow;
#[cfg(feature = "async")]
mod io;
#[cfg(feature = "tokio")]
mod io_tokio;
mod iter;
#[cfg(unix)]
mod large_frames;
mod lending;
mod lending_forms;
mod lifecycle;
mod locations;
#[cfg(feature = "movable")]
mod movable;
mod nesting;
mod on_stack;
mod panics;
mod parent_stack;
#[cfg(feature = "async")]
mod polling;
#[cfg(unix)]
mod release;
mod scope;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod single_step;
mod soundness;
mod stacks;
#[cfg(feature = "async")]
mod stream;
mod threads;
mod trace;
mod track;
#[cfg(unix)]
mod trap;
mod values;
