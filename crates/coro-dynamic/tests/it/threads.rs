//! Bound to the thread; usable on every thread.

use crate::kinds::{Kind, deeper, each};
use coro_dynamic::{CoroutineState, DynamicCoroutine, DynamicHandle, Refusal, RunStack, leaked};
use static_assertions::assert_not_impl_any;
use std::cell::Cell;
use std::sync::Mutex;
use testing::{child, scenarios};

assert_not_impl_any!(DynamicCoroutine<(), (), ()>: Send, Sync);
assert_not_impl_any!(DynamicHandle<(), ()>: Send, Sync);
assert_not_impl_any!(RunStack: Send, Sync);

struct Smuggled<T>(T);
// SAFETY: none; the library has to notice.
unsafe impl<T> Send for Smuggled<T> {}

impl<T> Smuggled<T> {
    fn open(&mut self) -> &mut T {
        &mut self.0
    }
}

#[test]
fn another_thread_is_refused() {
    each(|kind| {
        let mut coroutine = kind.make(|handle, n: u32| handle.suspend(n) + 1);
        for (n, expected) in [
            (1, CoroutineState::Yielded(1)),
            (2, CoroutineState::Complete(3)),
        ] {
            let mut smuggled = Smuggled(&mut coroutine);
            std::thread::scope(|scope| {
                scope.spawn(move || {
                    let error = smuggled.open().try_resume(n).expect_err("another thread");
                    assert_eq!(error.refusal(), Refusal::OtherThread);
                    assert!(error.to_string().contains("another thread"));
                    assert_eq!(error.into_input(), n);
                });
            });
            assert_eq!(coroutine.resume(n), expected);
        }
    });
}

#[test]
fn many_threads_at_once() {
    std::thread::scope(|scope| {
        for thread in 0..4_usize {
            scope.spawn(move || {
                each(|kind| {
                    let mut coroutines: Vec<_> = (0..50)
                        .map(|number: usize| {
                            kind.make(move |handle, mut turn: usize| {
                                loop {
                                    turn = handle.suspend(turn * number + thread);
                                }
                            })
                        })
                        .collect();
                    for turn in 0..20 {
                        for (number, coroutine) in coroutines.iter_mut().enumerate() {
                            let state: CoroutineState<usize, ()> =
                                deeper(turn, &mut || coroutine.resume(turn));
                            assert_eq!(state, CoroutineState::Yielded(turn * number + thread));
                        }
                    }
                });
            });
        }
    });
}

scenarios!(child; main_thread, dropped_elsewhere);

/// Below `main`, without a test harness: the harness runs tests on threads, so
/// the main thread is reached from an exit handler.
fn main_thread() {
    extern "C" fn at_exit() {
        let mut coroutines: Vec<_> = (0..100_usize)
            .map(|number| {
                Kind::Thread.make(move |handle, mut n: usize| {
                    loop {
                        n = deeper(number % 9, &mut || handle.suspend(n + number));
                    }
                })
            })
            .collect();
        for turn in 0..10 {
            for (number, coroutine) in coroutines.iter_mut().enumerate() {
                let state: CoroutineState<usize, ()> =
                    deeper(number % 20, &mut || coroutine.resume(turn));
                assert_eq!(state, CoroutineState::Yielded(turn + number));
            }
        }
        drop(coroutines);
        assert_eq!(leaked(), 0);
        // Not through the harness, which captures what its threads print.
        let text = "all well on the main thread\n";
        // SAFETY: a buffer and its length.
        unsafe { libc::write(1, text.as_ptr().cast(), text.len()) };
    }
    // SAFETY: a function that can be called at exit.
    assert_eq!(unsafe { libc::atexit(at_exit) }, 0);
}

#[test]
fn on_the_main_thread() {
    let ended = child::run("threads::child", "main_thread");
    ended.assert_success(&["all well on the main thread"]);
}

#[test]
fn neither_a_new_nor_a_complete_one_is_released_on_another_thread() {
    each(|kind| {
        for resumes in 0..2 {
            let mut coroutine = kind.make(|_: &DynamicHandle<(), ()>, ()| ());
            for _ in 0..resumes {
                let _ = coroutine.resume(());
            }
            let mut smuggled = Smuggled(Some(coroutine));
            let thread = std::thread::spawn(move || {
                let coroutine = smuggled.open().take().expect("it was put in");
                let error = coroutine.unwind().expect_err("another thread");
                assert_eq!(error.refusal(), Refusal::OtherThread);
                Smuggled(error.into_coroutine())
            });
            let back = thread.join().expect("no panic");
            back.0.unwind().expect("its own thread");
        }
    });
}

fn dropped_elsewhere() {
    let mut coroutine = Kind::Thread.make(|handle: &DynamicHandle<(), ()>, ()| handle.suspend(()));
    let _ = coroutine.resume(());
    let smuggled = Smuggled(coroutine);
    let thread = std::thread::spawn(move || {
        let smuggled = smuggled;
        drop(smuggled);
    });
    thread.join().expect("no panic");
    assert_eq!(leaked(), 1);
    println!("leaked and counted");
}

#[test]
fn dropped_on_another_thread_it_is_leaked() {
    let ended = child::run("threads::child", "dropped_elsewhere");
    ended.assert_success(&["leaked and counted"]);
}

type Plain = DynamicCoroutine<(), (), ()>;

/// Lends a handle to whatever is called below, as crates for scoped thread-locals do.
mod lent {
    use coro_dynamic::DynamicHandle;
    use std::cell::Cell;
    use std::ptr;

    type Handle = DynamicHandle<(), ()>;

    thread_local!(static LENT: Cell<*const Handle> = const { Cell::new(ptr::null()) });

    pub(crate) fn lend(handle: &Handle, f: impl FnOnce()) {
        let before = LENT.replace(handle);
        f();
        LENT.set(before);
    }

    pub(crate) fn suspend() {
        // SAFETY: it is the handle that `lend` has, whose call is further out.
        unsafe { LENT.get().as_ref() }
            .expect("it is lent")
            .suspend(());
    }
}

/// Resumes one coroutine from another one further down, over displaced frames; the inner one
/// then suspends the outer one.
fn suspends_the_outer_one() -> Result<(), &'static str> {
    let mut inner: Plain = Kind::Thread.make(|handle, ()| {
        handle.suspend(());
        let frame = std::hint::black_box([0x55_u64; 2048]);
        lent::suspend();
        std::hint::black_box(&frame);
    });
    let _ = inner.resume(());
    deeper(50, &mut || {
        let mut inner = std::mem::replace(&mut inner, Kind::Thread.make(|_, ()| ()));
        let mut outer: Plain = Kind::Thread.make(move |handle, ()| {
            lent::lend(handle, || {
                let _ = inner.resume(());
            });
        });
        let resume = std::panic::AssertUnwindSafe(|| outer.resume(()));
        let payload = std::panic::catch_unwind(resume)
            .err()
            .ok_or("it was not refused")?;
        match payload.downcast_ref::<String>() {
            Some(message) if message.contains("does not run on its own stack") => Ok(()),
            _ => Err("another panic"),
        }
    })
}

/// All coroutines of a thread know of each other, also those that are made when the thread-local
/// that keeps their region has been destroyed.
#[test]
fn while_thread_locals_are_destroyed() {
    static OUTCOMES: Mutex<Vec<Result<(), &str>>> = Mutex::new(Vec::new());

    struct Late;
    impl Drop for Late {
        fn drop(&mut self) {
            for _ in 0..2 {
                OUTCOMES
                    .lock()
                    .expect("no panic")
                    .push(suspends_the_outer_one());
            }
        }
    }
    thread_local!(static LATE: Cell<Option<Late>> = const { Cell::new(None) });

    let thread = std::thread::spawn(|| {
        // Thread-locals are destroyed in the reverse order of their first use, so this one
        // after the library's own.
        LATE.set(Some(Late));
        OUTCOMES
            .lock()
            .expect("no panic")
            .push(suspends_the_outer_one());
    });
    thread.join().expect("no panic");
    assert_eq!(*OUTCOMES.lock().expect("no panic"), [Ok(()); 3]);
}
