//! Values and closures of unusual sizes and alignments.

use coro::{Coroutine, CoroutineState, SuspendHandle};
use sure_stack::GuardedMmapStack;
use testing::Drops;

fn stack(bytes: usize) -> GuardedMmapStack {
    GuardedMmapStack::allocate_at_least(bytes).unwrap()
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(align(64))]
struct Line<const N: usize>([u8; N]);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(align(4096))]
struct Page<const N: usize>([u8; N]);

/// Asserts that a value stands where its type wants it.
#[track_caller]
fn assert_aligned<T>(value: &T) {
    let address = std::hint::black_box(&raw const *value).addr();
    assert!(address.is_multiple_of(align_of::<T>()), "{address:#x}");
}

#[test]
fn unusual_values_arrive_aligned() {
    fn check<T: Copy + PartialEq + std::fmt::Debug + 'static>(one: T, two: T) {
        let mut coroutine = Coroutine::with_stack(
            stack(1 << 20),
            move |handle: &SuspendHandle<T, T>, value: T| {
                assert_aligned(&value);
                assert_eq!(value, one);
                let value = handle.suspend(two);
                assert_aligned(&value);
                assert_eq!(value, two);
                one
            },
        );
        match coroutine.resume(one) {
            CoroutineState::Yielded(value) => {
                assert_aligned(&value);
                assert_eq!(value, two);
            }
            CoroutineState::Complete(_) => panic!("not yet"),
        }
        match coroutine.resume(two) {
            CoroutineState::Complete(value) => {
                assert_aligned(&value);
                assert_eq!(value, one);
            }
            CoroutineState::Yielded(_) => panic!("no more"),
        }
    }
    check(Line([]), Line([]));
    check(Line([1; 1]), Line([2; 1]));
    check(Line([1; 100]), Line([2; 100]));
    check(Page([]), Page([]));
    check(Page([1; 1]), Page([2; 1]));
    check(Page([1; 5000]), Page([2; 5000]));
}

#[test]
fn unusual_closures() {
    /// A closure that owns `one`: dropped unused, dropped suspended, and run to its end.
    fn check<T: Copy + PartialEq + std::fmt::Debug + 'static>(one: T, bytes: usize) {
        let drops = Drops::new();
        for resumes in 0..=2 {
            let (also, counted) = (Box::new(one), drops.make());
            let mut coroutine =
                Coroutine::with_stack(stack(bytes), move |handle: &SuspendHandle<(), bool>, ()| {
                    let (one, _counted) = (&one, &counted);
                    assert_aligned(one);
                    handle.suspend(one == &*also);
                    one == &*also
                });
            if resumes > 0 {
                assert_eq!(coroutine.resume(()), CoroutineState::Yielded(true));
            }
            if resumes > 1 {
                assert_eq!(coroutine.resume(()), CoroutineState::Complete(true));
            }
            drop(coroutine);
        }
        assert_eq!((drops.alive(), drops.dropped()), (0, 3));
    }
    fn work() {
        check((), 64 << 10);
        check(Line([]), 64 << 10);
        check(Page([]), 1 << 20);
        // On the stack, and in a box: what takes more than a quarter of it.
        check(Line([3; 64]), 64 << 10);
        check(Page([3; 64]), 1 << 20);
        check(Line([3; 20_000]), 1 << 20);
        check(Page([3; 20_000]), 1 << 20);
        check(Page([3; 300_000]), 1 << 20);
        check([3_u8; 1 << 20], 64 << 20);
        check(Page([3_u8; 1 << 20]), 64 << 20);
    }
    // Each call on the way has a copy of the closure.
    let thread = std::thread::Builder::new().stack_size(64 << 20);
    thread.spawn(work).unwrap().join().unwrap();
}

#[test]
fn closures_are_aligned_by_more_than_a_pair_of_cache_lines() {
    #[derive(Clone, Copy)]
    #[repr(align(256))]
    struct Lines([u8; 256]);
    // Stacks whose high ends differ, modulo the alignment.
    for colour in 0..4 {
        let captured = Lines([colour; 256]);
        let mut below = Vec::new();
        let arena = sure_stack::StackArena::new(32 << 10).unwrap();
        below.extend((0..colour).map(|_| arena.allocate().unwrap()));
        let stack = arena.allocate().unwrap();
        let body = move |_: &SuspendHandle<(), u8>, ()| {
            assert_aligned(&captured);
            captured.0[255]
        };
        let mut coroutine = Coroutine::with_stack(stack, body);
        assert_eq!(coroutine.resume(()), CoroutineState::Complete(colour));
    }
}
