//! Nothing but tests: what must not compile, a folder for each library.
//!
//! The messages beside the cases are those of the oldest supported compiler.
//! After a change that alters them, look at what
//! `TRYBUILD=overwrite cargo test -p compile-fail` writes before keeping it.
