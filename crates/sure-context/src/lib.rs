//! sure-context
