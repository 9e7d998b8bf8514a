//! Threads, and the end of threads.

use coro::{Coroutine, CoroutineState, SuspendHandle};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::RefCell;
#[cfg(target_os = "linux")]
use sure_stack::StackError;

/// Whether each coroutine is a thread of the system.
#[cfg(target_os = "linux")]
const COROUTINES_ARE_THREADS: bool = cfg!(sure_context_portable);

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

#[cfg(target_os = "linux")]
testing::scenarios!(scenario; coroutines_without_threads);

/// How many threads the process has (proc(5)).
#[cfg(target_os = "linux")]
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// The bytes of address space that the process has (proc(5)).
#[cfg(target_os = "linux")]
fn address_space() -> libc::rlim_t {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: libc::rlim_t = pages.split(' ').next().unwrap().parse().unwrap();
    // SAFETY: asks for a number.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    pages * libc::rlim_t::try_from(page).unwrap()
}

#[cfg(target_os = "linux")]
fn limit_address_space(bytes: libc::rlim_t) {
    let limit = libc::rlimit {
        rlim_cur: bytes,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: reads the structure.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
}

#[cfg(target_os = "linux")]
fn coroutines_without_threads() {
    let drops = testing::Drops::new();
    let make = || {
        let counted = drops.make();
        Coroutine::try_new(move |handle: &SuspendHandle<u8, u8>, n| {
            let _counted = counted;
            handle.suspend(n)
        })
    };
    let before = threads();
    let mut ten: Vec<_> = (0..10).map(|_| make().unwrap()).collect();
    let each = usize::from(COROUTINES_ARE_THREADS);
    assert_eq!(threads() - before, 10 * each, "threads for ten coroutines");
    if COROUTINES_ARE_THREADS {
        // The coroutine's own stack is one that the pool has; for that of a thread, too little is left.
        drop(ten.pop());
        limit_address_space(address_space() + (32 << 20));
        for tracked in [false, true] {
            let builder = Coroutine::builder().name("refused").tracked(tracked);
            let counted = drops.make();
            let error = builder
                .build(move |_: &SuspendHandle<u8, u8>, _| drop(counted))
                .map(drop)
                .expect_err("there is no room for another thread");
            assert_eq!(drops.alive(), 9, "the closure is dropped");
            let StackError::Thread { os } = &error else {
                panic!("{error}");
            };
            assert_eq!(os.raw_os_error(), Some(libc::EAGAIN));
            println!("{error}");
        }
        limit_address_space(libc::RLIM_INFINITY);
        ten.push(make().unwrap());
    }
    for coroutine in &mut ten {
        assert_eq!(coroutine.resume(7).yielded(), Some(7));
    }
    drop(ten);
    assert_eq!((drops.alive(), threads()), (0, before));
}

#[test]
#[cfg(target_os = "linux")]
fn a_thread_for_each_is_refused_with_an_error_and_otherwise_none_is_wanted() {
    let ended = testing::child::run("threads::scenario", "coroutines_without_threads");
    ended.assert_success(match COROUTINES_ARE_THREADS {
        true => &[
            "no thread to run on",
            "os error 11",
            "with the portable backend of sure-context each",
        ],
        false => &[],
    });
}
