//! A coroutine of an outer scope cannot get hold of the handle.
use coro::{LendingCoroutine, LendingHandle, SuspendHandle};
use std::cell::RefCell;

fn main() {
    let slot = RefCell::new(None);
    coro::scope(|s| {
        let mut script = LendingCoroutine::new(|handle: &LendingHandle<u32, ()>| {
            *slot.borrow_mut() = Some(s.coroutine(|own: &SuspendHandle<(), ()>, ()| {
                handle.with(|_| own.suspend(()));
            }));
        });
        script.resume(&mut 1);
    });
}
