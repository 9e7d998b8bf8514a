//! Stacks of several types, one of which watches over its own life.

use crate::stage::STACKS;
use std::cell::RefCell;
use std::ptr::NonNull;
use sure_stack::{GuardedMmapStack, PooledStack, Stack};

/// Where the stack of a coroutine comes from.
pub(crate) trait Place: 'static {
    type Stack: Stack + 'static;
    const COUNTED: bool;
    fn stack() -> Self::Stack;
}

pub(crate) struct Pooled;
impl Place for Pooled {
    type Stack = PooledStack;
    const COUNTED: bool = false;
    fn stack() -> PooledStack {
        PooledStack::new().expect("a stack")
    }
}

pub(crate) struct Watched;
impl Place for Watched {
    type Stack = WatchedStack;
    const COUNTED: bool = true;
    fn stack() -> WatchedStack {
        WatchedStack::new()
    }
}

pub(crate) struct Dyn;
impl Place for Dyn {
    type Stack = Box<dyn Stack>;
    const COUNTED: bool = true;
    fn stack() -> Box<dyn Stack> {
        Box::new(WatchedStack::new())
    }
}

/// A stack that is counted, and destroys what is on it when it is dropped.
pub(crate) struct WatchedStack {
    /// `None` at the very end.
    stack: Option<GuardedMmapStack>,
}

thread_local! {
    static KEPT: RefCell<Vec<GuardedMmapStack>> = const { RefCell::new(Vec::new()) };
}

impl WatchedStack {
    fn new() -> WatchedStack {
        STACKS.set(STACKS.get() + 1);
        let kept = KEPT.with_borrow_mut(Vec::pop);
        let fresh = || GuardedMmapStack::allocate_at_least(2 << 20).expect("a stack");
        WatchedStack {
            stack: Some(kept.unwrap_or_else(fresh)),
        }
    }

    fn inner(&self) -> &GuardedMmapStack {
        self.stack.as_ref().expect("not dropped")
    }
}

// SAFETY: the bounds are those of the stack that it owns, which is never exchanged.
unsafe impl Stack for WatchedStack {
    fn base(&self) -> NonNull<u8> {
        self.inner().base()
    }
    fn limit(&self) -> NonNull<u8> {
        self.inner().limit()
    }
}

impl Drop for WatchedStack {
    fn drop(&mut self) {
        const HIGH_END: usize = 2048;
        STACKS.set(STACKS.get() - 1);
        let stack = self.stack.take().expect("dropped once");
        // SAFETY: its owner has no use for it any more.
        unsafe { stack.base().sub(HIGH_END).write_bytes(0xA5, HIGH_END) };
        KEPT.with_borrow_mut(|kept| kept.push(stack));
    }
}
