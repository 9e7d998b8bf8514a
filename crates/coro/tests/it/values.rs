//! Values of every shape cross in all three directions: in, out, and at last.

use coro::{Coroutine, CoroutineState, SuspendHandle};
use std::fmt::Debug;

/// Sends a value through every door: in with the first resume, out with a
/// suspend, in with a later resume, out with the return.
fn through_all_doors<T: Clone + PartialEq + Debug + 'static>(first: T, second: T) {
    let mut coroutine = Coroutine::with_stack(
        sure_stack::GuardedMmapStack::allocate_at_least(64 << 20).unwrap(),
        |handle: &SuspendHandle<T, T>, value: T| {
            let value = handle.suspend(value);
            deep(handle, value, 3)
        },
    );
    #[inline(never)]
    fn deep<T>(handle: &SuspendHandle<T, T>, value: T, depth: usize) -> T {
        if depth == 0 {
            handle.suspend(value)
        } else {
            deep(handle, value, depth - 1)
        }
    }
    assert_eq!(
        coroutine.resume(first.clone()),
        CoroutineState::Yielded(first.clone())
    );
    assert_eq!(
        coroutine.resume(second.clone()),
        CoroutineState::Yielded(second.clone())
    );
    assert_eq!(
        coroutine.resume(first.clone()),
        CoroutineState::Complete(first.clone())
    );
    assert_eq!(
        coroutine
            .try_resume(second.clone())
            .unwrap_err()
            .into_input(),
        second
    );
}

#[test]
fn integers_of_all_sizes() {
    through_all_doors(0x12_u8, 0xFE);
    through_all_doors(0x1234_u16, 0xFEDC);
    through_all_doors(0x1234_5678_u32, 0xFEDC_BA98);
    through_all_doors(0x0123_4567_89AB_CDEF_u64, u64::MAX - 1);
    through_all_doors(
        -0x0123_4567_89AB_CDEF_0123_4567_89AB_CDEF_i128,
        i128::MAX - 1,
    );
    through_all_doors(usize::MAX, 1);
}

#[test]
fn floats() {
    through_all_doors(1.5_f32, -0.0);
    through_all_doors(std::f64::consts::PI, f64::INFINITY);
}

#[test]
fn small_structs_with_odd_sizes_and_padding() {
    through_all_doors([1_u8, 2, 3], [4, 5, 6]);
    through_all_doors((1_u8, 2_u16), (3, 4));
    through_all_doors((1_u8, 2_u32), (3, 4));
    through_all_doors([1_u8, 2, 3, 4, 5, 6, 7], [8; 7]);
    through_all_doors(Some('ß'), None);
}

#[test]
fn zero_sized_values() {
    #[derive(Clone, Debug, PartialEq)]
    #[repr(align(4096))]
    struct Aligned;
    through_all_doors((), ());
    through_all_doors(Aligned, Aligned);
    through_all_doors([0_u64; 0], []);
}

#[test]
fn values_of_several_words() {
    through_all_doors([1_u64, 2], [3, 4]);
    through_all_doors([7_u64; 8], [8; 8]);
    through_all_doors((1_u8, 2_u64, 3_u16, 4.5_f64), (5, 6, 7, 8.5));
}

#[test]
fn values_that_own() {
    through_all_doors(String::from("first"), String::from("second"));
    through_all_doors(vec![Box::new(1)], vec![]);
    through_all_doors(Some(Box::new(5_u8)), None);
    through_all_doors(std::rc::Rc::new(3), std::rc::Rc::new(4));
}

#[test]
fn references_to_statics() {
    through_all_doors("static", "text");
    through_all_doors(&1_u8, &2);
}

#[derive(Clone, Debug, PartialEq)]
#[repr(align(64))]
struct Line([u8; 64]);

#[derive(Clone, Debug, PartialEq)]
#[repr(align(4096))]
struct Page(u8);

#[test]
fn over_aligned_values() {
    through_all_doors(Line([1; 64]), Line([2; 64]));
    through_all_doors(Page(1), Page(2));
}

#[test]
fn values_of_a_mebibyte() {
    // Moved several times by value, which a small test thread has no room for.
    let thread = std::thread::Builder::new().stack_size(128 << 20);
    let work = || through_all_doors([7_u8; 1 << 20], [9; 1 << 20]);
    thread.spawn(work).unwrap().join().unwrap();
}

/// Whether the address is aligned as its type asks.
fn aligned<T>(value: &T) -> bool {
    (&raw const *value).addr().is_multiple_of(align_of::<T>())
}

#[test]
fn over_aligned_closures() {
    let (line, page) = (Line([3; 64]), Page(4));
    // In debug builds every frame on the way rounds its copies to a page.
    let stack = sure_stack::GuardedMmapStack::allocate_at_least(2 << 20).unwrap();
    let mut coroutine =
        Coroutine::with_stack(stack, move |handle: &SuspendHandle<(), bool>, ()| {
            handle.suspend(aligned(&line) && line.0[63] == 3);
            handle.suspend(aligned(&page) && page.0 == 4);
            let local = std::hint::black_box(Page(5));
            handle.suspend(aligned(&local));
            line.0[0] + page.0 + local.0
        });
    for _ in 0..3 {
        assert_eq!(coroutine.resume(()), CoroutineState::Yielded(true));
    }
    assert_eq!(coroutine.resume(()), CoroutineState::Complete(12));
}

#[test]
fn a_closure_larger_than_its_stack() {
    fn work() {
        let large = [5_u8; 1 << 20];
        let mut coroutine = Coroutine::new(move |handle: &SuspendHandle<(), u8>, ()| {
            handle.suspend(large[0]);
            large[large.len() - 1]
        });
        assert_eq!(coroutine.resume(()), CoroutineState::Yielded(5));
        assert_eq!(coroutine.resume(()), CoroutineState::Complete(5));
    }
    // The closure is on the creator's stack first.
    std::thread::Builder::new()
        .stack_size(64 << 20)
        .spawn(work)
        .unwrap()
        .join()
        .unwrap();
}
