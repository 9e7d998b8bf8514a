//! Stacks that change hands, and faults that are not about stacks.

use coro::{Coroutine, SuspendHandle};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use sure_stack::PooledStack;
use testing::OnDrop;
#[cfg(unix)]
use testing::child;

testing::scenarios!(scenario; fault, fault_below_our_handler);

/// 8. Where the caller's frame is, to the page.
fn here() -> usize {
    let local = 0_u8;
    std::hint::black_box(&raw const local).addr()
}

#[test]
fn a_stack_is_not_handed_back_before_its_frames_are_gone() {
    /// When it is dropped, sees to it that whatever stacks are free are written to.
    struct Taker(Rc<Cell<usize>>, [u64; 64]);
    impl Drop for Taker {
        fn drop(&mut self) {
            let own = here();
            let mut taken = Vec::new();
            for _ in 0..4 {
                let mut fresh = Coroutine::new(|handle: &SuspendHandle<(), usize>, ()| {
                    let scribble = std::hint::black_box([0xDEAD_u64; 512]);
                    handle.suspend(here());
                    std::hint::black_box(scribble);
                });
                let place = fresh.resume(()).yielded().unwrap();
                assert!(
                    place.abs_diff(own) > 64 << 10,
                    "on the stack that is being unwound"
                );
                taken.push(fresh);
            }
            assert!(self.1.iter().all(|&word| word == 0x5AFE), "overwritten");
            self.0.set(self.0.get() + 1);
        }
    }
    let dropped = Rc::new(Cell::new(0));
    for panics in [false, true] {
        for finished in [false, true] {
            let inside = dropped.clone();
            let mut coroutine = Coroutine::new(move |handle: &SuspendHandle<(), ()>, ()| {
                let _first = Taker(inside.clone(), [0x5AFE; 64]);
                handle.suspend(());
                let _second = Taker(inside.clone(), [0x5AFE; 64]);
                if panics {
                    resume_unwind(Box::new(()));
                }
            });
            coroutine.resume(());
            if finished {
                let caught = catch_unwind(AssertUnwindSafe(|| coroutine.resume(())));
                assert_eq!(caught.is_err(), panics);
            }
            drop(coroutine);
        }
    }
    assert_eq!(dropped.get(), 2 * (1 + 2));
}

#[test]
fn a_stack_is_handed_back_when_its_owner_panics() {
    // In a thread of its own, whose pool is empty.
    let work = || {
        let mut coroutine = Coroutine::new(|_: &SuspendHandle<(), ()>, ()| -> () {
            assert_eq!(PooledStack::kept(), 0);
            resume_unwind(Box::new(()));
        });
        assert!(catch_unwind(AssertUnwindSafe(|| coroutine.resume(()))).is_err());
        assert_eq!(PooledStack::kept(), 0, "it still owns it");
        drop(coroutine);
        assert_eq!(PooledStack::kept(), 1);
        // A return value whose destructor panics, too.
        let mut swallows = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
            let _ = catch_unwind(AssertUnwindSafe(|| handle.suspend(())));
            OnDrop(|| resume_unwind(Box::new("a value")))
        });
        swallows.resume(());
        assert_eq!(PooledStack::kept(), 0);
        assert!(catch_unwind(AssertUnwindSafe(|| drop(swallows))).is_err());
        assert_eq!(PooledStack::kept(), 1);
    };
    std::thread::spawn(work).join().unwrap();
}

/// An address where nothing is mapped.
const NOWHERE: usize = 64;

/// Without signals no program handles them.
#[cfg(not(unix))]
fn handle_faults() {}

/// A program's handler of its own faults.
#[cfg(unix)]
fn handle_faults() {
    extern "C" fn handler(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: the kernel gives a valid one; a fault has an address.
        let address = unsafe { (*info).si_addr() }.addr();
        // s390x tells the page only.
        let text: &[u8] = if address & !0xFFF == NOWHERE & !0xFFF {
            b"its own fault\n"
        } else {
            b"another fault\n"
        };
        // SAFETY: both are allowed in a handler; the text is readable.
        unsafe {
            libc::write(1, text.as_ptr().cast(), text.len());
            libc::_exit(42);
        }
    }
    // SAFETY: zeroes are valid for both; the handler stays, and runs on the alternative stack that std has set up for
    // this thread.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        assert_eq!(
            libc::sigaction(libc::SIGSEGV, &action, std::ptr::null_mut()),
            0
        );
    }
}

/// Reads there, in a coroutine.
fn read_nowhere() {
    let mut coroutine = Coroutine::new(|handle: &SuspendHandle<usize, ()>, first: usize| {
        let second = handle.suspend(());
        // SAFETY: none: this is what the test is about.
        unsafe { std::ptr::with_exposed_provenance::<u8>(first + second).read_volatile() }
    });
    let _ = coroutine.resume(NOWHERE - 4);
    let _ = coroutine.resume(4);
    println!("survived");
}

fn fault() {
    handle_faults();
    read_nowhere();
}

/// As `fault`, with the handler for overflows on top of the program's own.
fn fault_below_our_handler() {
    handle_faults();
    sure_stack::overflow::install().unwrap();
    read_nowhere();
}

#[cfg(unix)]
#[test]
fn a_fault_of_the_program_reaches_the_handler_of_the_program() {
    for scenario in ["fault", "fault_below_our_handler"] {
        let ended = child::run("soundness::stacks::scenario", scenario);
        assert_eq!(ended.status.code(), Some(42), "{scenario}: {ended}");
        assert!(
            ended.output.contains("its own fault"),
            "{scenario}: {ended}"
        );
        assert!(!ended.output.contains("survived"), "{scenario}: {ended}");
        assert!(!ended.output.contains("overflow"), "{scenario}: {ended}");
    }
}
