//! sure-stack
