//! Running decoded code: blocks of instructions whose checks are made once, at their head.
//!
//! The careful interpreter ([`execute`](crate::execute)) is what instructions mean. Blocks are a
//! shorter way to the same end: they run where nothing can go wrong, and hand over to the careful
//! interpreter, with a fiber as it would have left it, where something might.
//!
//! - [`mod@build`] decodes, along jumps and into calls. [`fuse`] puts literals into the operations that
//!   use them, and leaves out the frames of calls that return before anything could look at them.
//! - [`table`] keeps what is decoded. A write to a decoded byte makes all of it out of date
//!   ([`CodeMap`](crate::code_map::CodeMap)).
//! - [`mod@run`] executes.

mod build;
mod fuse;
mod op;
mod run;
mod table;

pub(crate) use run::{Next, run};
pub(crate) use table::Blocks;
