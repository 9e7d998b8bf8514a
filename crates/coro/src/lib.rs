//! coro
