//! Nothing: what counts is that the dependencies compile.
