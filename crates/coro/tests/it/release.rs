//! Memory below suspended frames, given back.

use coro::{Coroutine, LendingCoroutine, LendingHandle, Status, SuspendHandle, maybe_grow};
use std::hint::black_box;
use std::ptr::NonNull;
use std::rc::Rc;
use sure_stack::{DEFAULT_STACK_SIZE, GuardedMmapStack, PooledStack, Stack, release_below};

fn page_size() -> usize {
    // SAFETY: asks for a constant.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap()
}

/// Whether the system gives memory back at all: an emulator may say so, and do nothing.
fn system_gives_back() -> bool {
    let stack = GuardedMmapStack::allocate_at_least(1).unwrap();
    let byte = stack.limit().as_ptr();
    // SAFETY: a page on which nothing runs.
    let read = unsafe {
        byte.write_volatile(1);
        libc::madvise(byte.cast(), stack.size(), libc::MADV_DONTNEED);
        byte.read_volatile()
    };
    if read != 0 {
        println!("this system keeps memory that is not needed: nothing to be measured");
    }
    read == 0
}

/// How many bytes of a range of whole pages take memory, as the system says (mincore(2)).
fn resident(start: *mut u8, end: *mut u8) -> usize {
    const UNTOUCHED: u8 = 0xA5;
    let (page, bytes) = (page_size(), end.addr() - start.addr());
    let pages = bytes / page;
    // An emulator answers a byte for each page of its host's, which may be smaller.
    let mut answer = vec![UNTOUCHED; bytes / 512];
    // SAFETY: pages of a stack that is alive, and more than a byte for each of them.
    let failed = unsafe { libc::mincore(start.cast(), bytes, answer.as_mut_ptr().cast()) };
    assert_eq!(failed, 0);
    let answered = answer.iter().take_while(|byte| **byte != UNTOUCHED).count();
    let answers = answer[..answered].chunks(answered / pages);
    let resident = answers.filter(|bytes| bytes.iter().any(|byte| byte & 1 == 1));
    resident.count() * page
}

/// Touches 600 KiB of stack; two or three times as much in a debug build.
#[inline(never)]
fn deep_call() {
    fn go_down(n: usize) -> usize {
        let frame = black_box([n; 1024]);
        if n == 0 { 0 } else { frame[n] + go_down(n - 1) }
    }
    let calls = (600 << 10) / size_of::<[usize; 1024]>();
    assert_eq!(go_down(calls), calls * (calls + 1) / 2);
}

#[test]
fn the_memory_of_a_deep_call_is_given_back() {
    let stack = GuardedMmapStack::allocate_at_least(4 << 20).unwrap();
    let (limit, base) = (stack.limit().as_ptr(), stack.base().as_ptr());
    let mut coroutine = Coroutine::with_stack(stack, |handle: &SuspendHandle<(), ()>, ()| {
        for _ in 0..3 {
            let kept = black_box([0x5A_u8; 3000]);
            deep_call();
            handle.suspend(());
            assert_eq!(black_box(kept), [0x5A; 3000]);
        }
    });
    let works = system_gives_back();
    for _ in 0..3 {
        coroutine.resume(());
        let before = resident(limit, base);
        assert!(before >= 600 << 10, "{before}");
        let released = coroutine.release_unused();
        let after = resident(limit, base);
        if works {
            assert_eq!(before - after, released);
            // The suspended frames: of a debug build, too.
            assert!(after < 64 << 10, "{after}");
            assert!(coroutine.high_water_mark() < 64 << 10);
        } else {
            assert_eq!((released, after), (0, before));
        }
        assert_eq!(coroutine.release_unused(), 0, "it is gone already");
    }
    assert_eq!(coroutine.resume(()).complete(), Some(()));
}

#[test]
fn a_lending_one_gives_back_as_much() {
    let stack = GuardedMmapStack::allocate_at_least(4 << 20).unwrap();
    let body = |handle: &LendingHandle<(), ()>| {
        deep_call();
        handle.suspend(());
    };
    let mut script = LendingCoroutine::with_stack(stack, body);
    script.resume(&mut ());
    let released = script.release_unused();
    assert_eq!(released >= 600 << 10, system_gives_back(), "{released}");
    assert_eq!(script.release_unused(), 0, "it is gone already");
}

#[test]
fn those_of_a_scope_give_back_as_much() {
    let stack =
        || Coroutine::builder().stack(GuardedMmapStack::allocate_at_least(4 << 20).unwrap());
    coro::scope(|scope| {
        let body = |handle: &SuspendHandle<(), ()>, ()| {
            deep_call();
            handle.suspend(());
        };
        let mut plain = stack().build_scoped(scope, body).unwrap();
        let body = |handle: &LendingHandle<(), ()>| {
            deep_call();
            handle.suspend(());
        };
        let mut lending = stack().build_scoped_lending(scope, body).unwrap();
        plain.resume(());
        lending.resume(&mut ());
        for released in [plain.release_unused(), lending.release_unused()] {
            assert_eq!(released >= 600 << 10, system_gives_back(), "{released}");
        }
    });
}

/// A stack that begins some bytes lower, so that frames lie elsewhere in their pages.
struct Lowered(Rc<GuardedMmapStack>, usize);

// SAFETY: a part of another stack, down to its guard; that other one is lowered for one coroutine
// at a time, and nothing else runs on it.
unsafe impl Stack for Lowered {
    fn base(&self) -> NonNull<u8> {
        // SAFETY: a page lower at the most, and inside the stack.
        unsafe { self.0.base().sub(self.1) }
    }

    fn limit(&self) -> NonNull<u8> {
        self.0.limit()
    }
}

/// Many values that are live across a suspend: in registers, where there are enough, and on
/// the stack.
#[inline(never)]
fn keep_values(handle: &SuspendHandle<u64, u64>, first: u64) -> u64 {
    let [a, b, c, d, e, f, g, h] = black_box([1, 2, 3, 4, 5, 6, 7, 8].map(|n: u64| n * first));
    let (x, y) = black_box((first as f64 + 0.5, first as f64 * 3.0));
    let brought = handle.suspend(first);
    let sum = a + 3 * b + 5 * c + 7 * d + 11 * e + 13 * f + 17 * g + 19 * h;
    let floats = x == first as f64 + 0.5 && y == first as f64 * 3.0;
    sum * u64::from(floats) + brought
}

/// As [`keep_values`], from a frame that is so many bytes larger.
#[inline(never)]
fn lower<const BYTES: usize>(handle: &SuspendHandle<u64, u64>, first: u64) -> u64 {
    let more = black_box([1_u8; BYTES]);
    let kept = keep_values(handle, first);
    assert_eq!(black_box(&more), &[1; BYTES]);
    kept
}

#[test]
fn no_byte_in_use_is_lost_wherever_frames_end_in_a_page() {
    // The root of a stack is aligned to a cache line or two. Frames are aligned to 16 bytes at
    // the most: with all of these together, their edge falls on every such place of a page.
    let bodies = [
        lower::<16>,
        lower::<32>,
        lower::<48>,
        lower::<64>,
        lower::<80>,
        lower::<96>,
        lower::<112>,
        lower::<128>,
    ];
    let sum = 1 + 6 + 15 + 28 + 55 + 78 + 119 + 152;
    let stack = Rc::new(GuardedMmapStack::allocate_at_least(256 << 10).unwrap());
    for bytes in (0..page_size()).step_by(64) {
        for body in bodies {
            let first = u64::try_from(bytes).unwrap() + 1;
            let mut coroutine = Coroutine::with_stack(Lowered(stack.clone(), bytes), body);
            assert_eq!(coroutine.resume(first).yielded(), Some(first));
            coroutine.release_unused();
            let returned = coroutine.resume(40).complete();
            assert_eq!(returned, Some(sum * first + 40), "lowered by {bytes}");
        }
    }
}

#[test]
fn what_was_given_back_can_be_used_again() {
    let mut coroutine = Coroutine::builder()
        .stack_size(4 << 20)
        .build(|handle: &SuspendHandle<(), ()>, ()| {
            loop {
                deep_call();
                handle.suspend(());
            }
        })
        .unwrap();
    let works = system_gives_back();
    for _ in 0..5 {
        coroutine.resume(());
        assert_eq!(coroutine.release_unused() > 500 << 10, works);
    }
    // An unwind takes stack, too.
    drop(coroutine);
}

#[test]
fn a_coroutine_that_is_not_suspended_keeps_its_memory() {
    let stack = GuardedMmapStack::allocate_at_least(4 << 20).unwrap();
    // SAFETY: the stack's memory, on which nothing runs.
    unsafe { stack.limit().write_bytes(1, 512 << 10) };
    let mut coroutine = Coroutine::with_stack(stack, |handle: &SuspendHandle<(), ()>, ()| {
        handle.suspend(())
    });
    assert_eq!(coroutine.status(), Status::Created);
    assert_eq!(coroutine.release_unused(), 0);
    coroutine.resume(());
    coroutine.resume(());
    assert_eq!(coroutine.status(), Status::Complete);
    assert_eq!(coroutine.release_unused(), 0);
    let stack = coroutine.into_stack().unwrap();
    // SAFETY: the same memory: none of it was given back.
    assert_eq!(unsafe { stack.limit().read() }, 1);
    // SAFETY: nothing on the stack is needed, and nothing runs there.
    let left = unsafe { release_below(&stack, stack.base().as_ptr()) };
    assert_eq!(left >= 512 << 10, system_gives_back());
}

/// Its frames are on two stacks, and nothing tells where those of the first one end.
#[test]
fn a_coroutine_that_has_grown_keeps_its_memory_until_it_is_back() {
    fn body(handle: &SuspendHandle<(), ()>, (): ()) {
        let kept = black_box([0x5A_u8; 5000]);
        black_box(&[1_u8; 100 << 10]);
        maybe_grow(usize::MAX, DEFAULT_STACK_SIZE, || {
            let kept = black_box([0xA5_u8; 5000]);
            handle.suspend(());
            assert_eq!(black_box(kept), [0xA5; 5000]);
        });
        handle.suspend(());
        assert_eq!(black_box(kept), [0x5A; 5000]);
    }
    let mut coroutine = Coroutine::with_stack(PooledStack::new().unwrap(), body);
    coroutine.resume(());
    assert_eq!(coroutine.release_unused(), 0);
    coroutine.resume(());
    coroutine.release_unused();
    assert_eq!(coroutine.resume(()).complete(), Some(()));
}

/// The inner one stays suspended on its own stack; the outer one's release must not touch it.
#[test]
fn coroutines_inside_of_each_other() {
    let mut outer = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| {
        let mut inner = Coroutine::new(|handle: &SuspendHandle<(), u64>, ()| {
            let kept = black_box([7_u64; 500]);
            handle.suspend(kept.iter().sum());
            handle.suspend(black_box(kept).iter().sum());
        });
        assert_eq!(inner.resume(()).yielded(), Some(3500));
        inner.release_unused();
        handle.suspend(());
        assert_eq!(inner.resume(()).yielded(), Some(3500));
    });
    outer.resume(());
    outer.release_unused();
    assert_eq!(outer.resume(()).complete(), Some(()));
}

/// What a stack has of memory after each turn of a coroutine that makes a deep call in every third.
fn resident_after_turns(most_idle: Option<usize>) -> Vec<usize> {
    let stack = GuardedMmapStack::allocate_at_least(4 << 20).unwrap();
    let (limit, base) = (stack.limit().as_ptr(), stack.base().as_ptr());
    let mut builder = Coroutine::builder();
    if let Some(bytes) = most_idle {
        builder = builder.release_idle(bytes);
    }
    let body = |handle: &SuspendHandle<(), usize>, ()| {
        for turn in 0..9 {
            let kept = black_box([0x5A_u8; 3000]);
            if turn % 3 == 1 {
                deep_call();
            }
            handle.suspend(turn);
            assert_eq!(black_box(kept), [0x5A; 3000]);
        }
    };
    let mut coroutine = builder.stack(stack).build(body).unwrap();
    let turn = |turn| {
        assert_eq!(coroutine.resume(()).yielded(), Some(turn));
        resident(limit, base)
    };
    (0..9).map(turn).collect()
}

#[test]
fn idle_memory_is_given_back_by_those_that_were_asked_to() {
    let works = system_gives_back();
    let kept = resident_after_turns(None);
    assert!(kept[0] < 64 << 10, "{kept:?}");
    assert!(
        kept[1..].iter().all(|bytes| *bytes >= 600 << 10),
        "{kept:?}"
    );
    // More than a turn leaves.
    let enough = resident_after_turns(Some(4 << 20));
    assert!(
        enough[1..].iter().all(|bytes| *bytes >= 600 << 10),
        "{enough:?}"
    );
    let limited = resident_after_turns(Some(100 << 10));
    if works {
        // The suspended frames, and what is below the limit.
        assert!(
            limited.iter().all(|bytes| *bytes < (100 + 64) << 10),
            "{limited:?}"
        );
        let none = resident_after_turns(Some(0));
        assert!(none.iter().all(|bytes| *bytes < 64 << 10), "{none:?}");
    } else {
        assert!(
            limited[1..].iter().all(|bytes| *bytes >= 600 << 10),
            "{limited:?}"
        );
    }
}

#[test]
fn one_that_gives_back_lives_as_any_other() {
    let builder = || Coroutine::builder().release_idle(0).name("frugal");
    let mut grows = builder()
        .build(|handle: &SuspendHandle<u32, u32>, first| {
            let second = coro::grow(64 << 10, || handle.suspend(first));
            handle.try_suspend(second).unwrap() + 1
        })
        .unwrap();
    assert_eq!(grows.resume(1).yielded(), Some(1));
    assert_eq!(grows.resume(2).yielded(), Some(2));
    assert_eq!(grows.resume(3).complete(), Some(4));
    let panics = |handle: &SuspendHandle<(), ()>, ()| {
        handle.suspend(());
        std::panic::resume_unwind(Box::new(7));
    };
    let mut panics = builder().build(panics).unwrap();
    panics.resume(());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| panics.resume(())));
    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&7));
    assert_eq!(panics.status(), Status::Complete);
    let kept = Rc::new(());
    let inside = kept.clone();
    let waits = move |handle: &SuspendHandle<(), ()>, ()| {
        let _inside = inside;
        handle.suspend(());
    };
    let mut waits = builder().build(waits).unwrap();
    waits.resume(());
    assert_eq!(Rc::strong_count(&kept), 2);
    drop(waits);
    assert_eq!(Rc::strong_count(&kept), 1);
}
