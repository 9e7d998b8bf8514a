//! Coroutines inside coroutines, and handles in the wrong place.

use coro::{Coroutine, CoroutineState, SuspendHandle};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use testing::Drops;

#[test]
fn a_hundred_deep() {
    fn nest(depth: usize) -> Coroutine<usize, usize, usize> {
        Coroutine::new(move |handle, mut value| {
            if depth == 0 {
                for _ in 0..10 {
                    value = handle.suspend(value + 1);
                }
                return value;
            }
            let mut inner = nest(depth - 1);
            loop {
                match inner.resume(value) {
                    CoroutineState::Yielded(out) => value = handle.suspend(out + 1),
                    CoroutineState::Complete(last) => return last + 1,
                }
            }
        })
    }
    let mut outermost = nest(100);
    for i in 0..10 {
        assert_eq!(outermost.resume(i), CoroutineState::Yielded(i + 101));
    }
    assert_eq!(outermost.resume(5), CoroutineState::Complete(105));
}

#[test]
fn dropping_the_outermost_unwinds_them_all() {
    fn nest(depth: usize, drops: Drops) -> Coroutine<(), (), ()> {
        Coroutine::new(move |handle, ()| {
            let _local = drops.make();
            if depth > 0 {
                let mut inner = nest(depth - 1, drops.clone());
                inner.resume(());
                handle.suspend(());
                inner.resume(());
            }
            handle.suspend(());
        })
    }
    let drops = Drops::new();
    let mut outermost = nest(100, drops.clone());
    outermost.resume(());
    assert_eq!(drops.alive(), 101);
    drop(outermost);
    assert_eq!(drops.alive(), 0);
}

#[test]
fn a_coroutine_changes_its_resumer() {
    let moving = Rc::new(RefCell::new(Coroutine::new(
        |handle: &SuspendHandle<u32, u32>, mut n: u32| {
            for i in 0.. {
                n = handle.suspend(n * 10 + i);
            }
        },
    )));
    let resume = move |n| moving.borrow_mut().resume(n).yielded().unwrap();
    assert_eq!(resume(1), 10);
    let from_inside = resume.clone();
    let mut other = Coroutine::new(move |handle: &SuspendHandle<(), u32>, ()| {
        handle.suspend(from_inside(2));
        from_inside(4)
    });
    assert_eq!(other.resume(()), CoroutineState::Yielded(21));
    assert_eq!(resume(3), 32);
    assert_eq!(other.resume(()), CoroutineState::Complete(43));
    assert_eq!(resume(5), 54);
}

/// A handle that is smuggled past its lifetime, as scoped thread-locals do.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Smuggled(*const SuspendHandle<(), u8>);

impl Smuggled {
    /// # Safety
    /// The coroutine of the handle is alive.
    unsafe fn suspend(self) {
        // SAFETY: the handle lives as long as its coroutine.
        unsafe { (*self.0).suspend(1) }
    }
}

fn message(result: std::thread::Result<()>) -> String {
    *result.unwrap_err().downcast::<String>().expect("a message")
}

#[test]
fn an_outer_handle_inside_an_inner_coroutine_is_refused() {
    let mut outer = Coroutine::builder()
        .name("outer")
        .build(|handle: &SuspendHandle<(), u8>, ()| {
            let smuggled = Smuggled(handle);
            let mut inner = Coroutine::new(move |own: &SuspendHandle<(), u8>, ()| {
                // SAFETY: the outer coroutine is alive around this one.
                let refused = catch_unwind(AssertUnwindSafe(|| unsafe { smuggled.suspend() }));
                own.suspend(2);
                message(refused)
            });
            assert_eq!(inner.resume(()), CoroutineState::Yielded(2));
            handle.suspend(3);
            inner.resume(()).complete().unwrap()
        })
        .unwrap();
    assert_eq!(outer.resume(()), CoroutineState::Yielded(3));
    let message = outer.resume(()).complete().unwrap();
    assert!(
        message.starts_with("coroutine `outer` was asked to suspend"),
        "{message}"
    );
    assert!(message.contains("not run on its own stack"), "{message}");
}

#[test]
fn a_handle_used_by_the_resumer_is_refused() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<(), Smuggled>, ()| {
        // The types differ, but the refusal comes before any value crosses.
        let smuggled = Smuggled((&raw const *handle).cast());
        handle.suspend(smuggled);
    });
    let smuggled = coroutine.resume(()).yielded().unwrap();
    // SAFETY: the coroutine is alive.
    let refused = catch_unwind(AssertUnwindSafe(|| unsafe { smuggled.suspend() }));
    assert!(message(refused).contains("not run on its own stack"));
    assert_eq!(
        coroutine.resume(()),
        CoroutineState::Complete(()),
        "unharmed"
    );
}
