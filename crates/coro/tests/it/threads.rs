//! Threads, and the end of threads.

use coro::{Coroutine, CoroutineState, SuspendHandle};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::RefCell;

// The types of a coroutine do not say what its frames hold.
assert_not_impl_any!(Coroutine<(), (), ()>: Send, Sync);
assert_not_impl_any!(SuspendHandle<(), ()>: Send, Sync);
assert_impl_all!(CoroutineState<u8, u8>: Send, Sync, Copy);

#[test]
fn threads_have_their_own_coroutines() {
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            scope.spawn(move || {
                let mut coroutines: Vec<_> = (0..100)
                    .map(|i| {
                        Coroutine::new(move |handle: &SuspendHandle<u64, u64>, mut sum: u64| {
                            for _ in 0..100 {
                                sum += handle.suspend(sum + i);
                            }
                            sum + thread
                        })
                    })
                    .collect();
                for round in 0..100 {
                    for (i, coroutine) in coroutines.iter_mut().enumerate() {
                        assert_eq!(coroutine.resume(1).yielded(), Some(1 + round + i as u64));
                    }
                }
                for coroutine in &mut coroutines {
                    assert_eq!(coroutine.resume(1).complete(), Some(101 + thread));
                }
            });
        }
    });
}

#[test]
fn coroutines_in_thread_locals_are_unwound_when_the_thread_ends() {
    thread_local! {
        static KEPT: RefCell<Vec<Coroutine<(), (), ()>>> = const { RefCell::new(Vec::new()) };
    }
    struct Report(std::sync::mpsc::Sender<usize>, usize);
    impl Drop for Report {
        fn drop(&mut self) {
            self.0.send(self.1).unwrap();
        }
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    let work = move || {
        // The thread-local is registered before the pool's own, so that at the
        // end of the thread it is dropped on either side of it.
        KEPT.with_borrow_mut(|kept| {
            for i in 0..10 {
                let report = Report(sender.clone(), i);
                let mut coroutine = Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
                    let _report = report;
                    handle.suspend(());
                });
                coroutine.resume(());
                kept.push(coroutine);
            }
        });
    };
    std::thread::spawn(work).join().unwrap();
    let mut reported: Vec<usize> = receiver.iter().collect();
    reported.sort();
    assert_eq!(reported, (0..10).collect::<Vec<_>>());
}

#[test]
fn coroutines_are_made_while_thread_locals_are_torn_down() {
    struct AtExit(std::sync::mpsc::Sender<u8>);
    impl Drop for AtExit {
        fn drop(&mut self) {
            let mut coroutine = Coroutine::new(|handle: &SuspendHandle<u8, u8>, n: u8| {
                let n = handle.suspend(n + 1);
                n + 1
            });
            self.0.send(coroutine.resume(1).yielded().unwrap()).unwrap();
            self.0
                .send(coroutine.resume(5).complete().unwrap())
                .unwrap();
        }
    }
    thread_local! {
        static FIRST: RefCell<Option<AtExit>> = const { RefCell::new(None) };
        static LAST: RefCell<Option<AtExit>> = const { RefCell::new(None) };
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    let work = move || {
        FIRST.set(Some(AtExit(sender.clone())));
        // Registers the pool in between.
        drop(Coroutine::new(|_: &SuspendHandle<(), ()>, ()| ()));
        LAST.set(Some(AtExit(sender)));
    };
    std::thread::spawn(work).join().unwrap();
    assert_eq!(receiver.iter().collect::<Vec<u8>>(), [2, 6, 2, 6]);
}
