//! Coroutines on two threads under ThreadSanitizer, and then two with a fault.

use coro::{Coroutine, SuspendHandle};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

struct Shared(UnsafeCell<u32>);

// SAFETY: none; that two threads write to it is what must be reported.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared(UnsafeCell::new(0));

/// How many coroutines have ended as they should.
static GOOD: AtomicU32 = AtomicU32::new(0);

fn good() {
    for _ in 0..50 {
        let mut local = 0;
        let mut counter = Coroutine::new(|handle: &SuspendHandle<u32, u32>, first| {
            let mut sum = first;
            for _ in 0..5 {
                sum += handle.suspend(sum);
            }
            sum
        });
        for n in 0..6 {
            local += n;
            counter.resume(local);
        }
        let mut unwound = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| handle.suspend(()));
        unwound.resume(());
        drop(unwound);
        GOOD.fetch_add(u32::from(counter.is_complete()) + 1, Ordering::SeqCst);
    }
}

fn faulty() {
    let mut writer = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
        for _ in 0..1000 {
            // SAFETY: none; this is what must be reported.
            unsafe { *SHARED.0.get() += 1 };
            handle.suspend(());
        }
    });
    while writer.resume(()).yielded().is_some() {}
}

fn on_two_threads(work: fn()) {
    let other = thread::spawn(work);
    work();
    other.join().expect("it does not panic");
}

fn main() {
    // What a first use initialises is initialised by the standard library, which is not compiled for the sanitizer.
    good();
    on_two_threads(good);
    println!("good coroutines: {}", GOOD.load(Ordering::SeqCst));
    on_two_threads(faulty);
    println!("not noticed");
}
