//! Handles in other places than their own stack, and values in other places than their own resumer.

use coro::{Coroutine, CoroutineState, SuspendHandle};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use testing::OnDrop;

fn message(result: std::thread::Result<()>) -> String {
    *result.unwrap_err().downcast::<String>().expect("a message")
}

/// 3. What crates for scoped thread-locals do, in small: a reference that is there for the length of a call.
mod scoped {
    use super::*;

    pub(super) type Handle = SuspendHandle<u32, u32>;

    thread_local! {
        static CURRENT: Cell<Option<*const Handle>> = const { Cell::new(None) };
    }

    /// Calls `f`; meanwhile [`with`] finds the handle.
    pub(super) fn set<R>(handle: &Handle, f: impl FnOnce() -> R) -> R {
        let before = CURRENT.replace(Some(handle));
        let _restore = OnDrop(|| CURRENT.set(before));
        f()
    }

    pub(super) fn with<R>(f: impl FnOnce(&Handle) -> R) -> R {
        let handle = CURRENT.get().expect("inside of `set`");
        // SAFETY: `set` has the reference, and takes the pointer away before it returns. (Which is what makes it
        // unsound with coroutines in general: a suspended one has not returned. Here all of them are alive.)
        f(unsafe { &*handle })
    }
}

#[test]
fn a_handle_in_a_scoped_thread_local_works_or_is_refused() {
    let ask = |value| scoped::with(|handle| handle.suspend(value));
    let refused = move || {
        let caught = catch_unwind(AssertUnwindSafe(|| ask(99))).map(|_| ());
        assert!(message(caught).contains("not run on its own stack"));
    };
    let body = move |handle: &scoped::Handle, first: u32| {
        scoped::set(handle, || {
            ask(first + 1);
            let own = || scoped::with(|current| u32::from(std::ptr::eq(current, handle)));
            handle.suspend(own());
            own()
        })
    };
    let mut one = Coroutine::new(body);
    assert_eq!(one.resume(1), CoroutineState::Yielded(2));
    refused();
    // An inner coroutine that finds the handle of the outer one.
    let mut two = Coroutine::new(move |handle: &scoped::Handle, first: u32| {
        scoped::set(handle, || {
            let mut inner = Coroutine::new(move |own: &SuspendHandle<(), &str>, ()| {
                refused();
                own.suspend("unharmed");
                refused();
            });
            assert_eq!(inner.resume(()), CoroutineState::Yielded("unharmed"));
            let second = ask(first + 1);
            assert_eq!(inner.resume(()), CoroutineState::Complete(()));
            second
        })
    });
    assert_eq!(two.resume(10), CoroutineState::Yielded(11));
    // The first one finds the second one's handle, and then its own again.
    assert_eq!(one.resume(3), CoroutineState::Yielded(0));
    assert_eq!(two.resume(20), CoroutineState::Complete(20));
    assert_eq!(one.resume(4), CoroutineState::Complete(1));
}

#[test]
fn each_value_goes_to_its_own_resumer() {
    let mut outer = Coroutine::new(|text: &SuspendHandle<String, &str>, first: String| {
        let mut middle = Coroutine::new(|float: &SuspendHandle<f64, f64>, first: f64| {
            let mut inner = Coroutine::new(|byte: &SuspendHandle<u8, [u64; 3]>, first: u8| {
                let second = byte.suspend([u64::from(first); 3]);
                Box::new(second)
            });
            assert_eq!(inner.resume(7), CoroutineState::Yielded([7; 3]));
            let second = float.suspend(first * 2.0);
            assert_eq!(inner.resume(8), CoroutineState::Complete(Box::new(8)));
            second
        });
        assert_eq!(middle.resume(1.25), CoroutineState::Yielded(2.5));
        let second = text.suspend("out");
        assert_eq!(middle.resume(-0.5), CoroutineState::Complete(-0.5));
        first + &second
    });
    assert_eq!(outer.resume("in".into()), CoroutineState::Yielded("out"));
    assert_eq!(
        outer.resume(" and in".into()),
        CoroutineState::Complete("in and in".into())
    );
}
