//! Where tools that watch memory are told about stack switches.
//!
//! AddressSanitizer, ThreadSanitizer and valgrind want to hear before a switch,
//! after it, before the last one, and at the first entry. Each tool is a module
//! with these four functions; without a tool they are the empty ones of
//! [`null`], so callers carry no `cfg`.

mod null;

pub(crate) use null::*;
