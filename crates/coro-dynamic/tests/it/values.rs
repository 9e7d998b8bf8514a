//! Values of all sizes and alignments, in all three directions.

use crate::kinds::{deeper, each, on_large_stack};
use coro_dynamic::{CoroutineState, DynamicCoroutine, DynamicHandle};
use std::hint::black_box;
use std::ptr;
use testing::Drops;

fn there_and_back<T: Clone + PartialEq + std::fmt::Debug + 'static>(value: T) {
    each(|kind| {
        let mut coroutine = kind.make(|handle: &DynamicHandle<T, T>, mut value: T| {
            for _ in 0..3 {
                value = handle.suspend(value);
            }
            value
        });
        for calls in [0, 40, 1, 0] {
            let sent = value.clone();
            let mut sent = Some(sent);
            let state = deeper(calls, &mut || coroutine.resume(sent.take().expect("once")));
            match state {
                CoroutineState::Yielded(back) => assert!(back == value),
                CoroutineState::Complete(back) => {
                    assert!(back == value);
                    assert!(coroutine.is_complete());
                }
            }
        }
        assert!(coroutine.is_complete());
    });
}

#[test]
fn small_and_large() {
    there_and_back(());
    there_and_back(7_u8);
    there_and_back((1_u8, 2_u16));
    there_and_back(usize::MAX);
    there_and_back([1_u64, 2, 3]);
    there_and_back("text".to_string());
    there_and_back([5_u8; 1001]);
    there_and_back(f64::MIN_POSITIVE);
    there_and_back(Box::new([9_u32; 100]));
}

#[derive(Clone, Debug, PartialEq)]
#[repr(align(64))]
struct Line(u8);

#[derive(Clone, Debug, PartialEq)]
#[repr(align(4096))]
struct Page([u8; 5000]);

#[derive(Clone, Debug, PartialEq)]
#[repr(align(128))]
struct Nothing;

#[test]
fn over_aligned() {
    there_and_back(Line(3));
    there_and_back(Page([4; 5000]));
    there_and_back(Nothing);
}

#[test]
fn a_hundred_kilobytes() {
    on_large_stack(|| there_and_back([0xA5_u8; 100 << 10]));
}

#[test]
fn over_aligned_locals_and_captures() {
    each(|kind| {
        let captured = Page([7; 5000]);
        let mut coroutine = kind.make(move |handle, ()| {
            let local = black_box(Line(9));
            let page = captured;
            for _ in 0..3 {
                assert!((&raw const local).addr().is_multiple_of(64));
                assert!((&raw const page).addr().is_multiple_of(4096));
                handle.suspend(());
            }
            (local, page)
        });
        for calls in [0, 3, 0] {
            let state = deeper(calls, &mut || coroutine.resume(()));
            assert_eq!(state, CoroutineState::Yielded(()));
        }
        let (line, page) = coroutine.resume(()).complete().expect("the end");
        assert_eq!((line, page), (Line(9), Page([7; 5000])));
    });
}

/// Resumed from further and further down, so that the coroutine's base comes to
/// stand above the input, in the middle of it, and below.
#[test]
fn an_input_may_be_displaced_in_part() {
    each(|kind| {
        type Large = [u16; 2500];
        let pattern = |seed: usize| -> Large { std::array::from_fn(|n| (n * 7 + seed) as u16) };
        let mut coroutine = kind.make(|handle: &DynamicHandle<Large, Large>, mut value: Large| {
            while value[0] < u16::MAX {
                value = handle.suspend(value);
            }
        });
        for calls in 0..120 {
            let state = deeper(calls, &mut || coroutine.resume(pattern(calls)));
            assert!(state == CoroutineState::Yielded(pattern(calls)), "{calls}");
        }
    });
}

/// Values that were sent are dropped once each, wherever they end.
#[test]
fn every_value_is_dropped_once() {
    each(|kind| {
        let drops = Drops::new();
        let made = drops.clone();
        let mut coroutine = kind.make(move |handle, first| {
            let mut kept = vec![first];
            for _ in 0..5 {
                kept.push(handle.suspend([made.make(), made.make(), made.make()]));
            }
            [kept.pop(), kept.pop()]
        });
        for _ in 0..5 {
            assert!(
                coroutine
                    .resume([drops.make(), drops.make()])
                    .yielded()
                    .is_some()
            );
        }
        let last = coroutine.resume([drops.make(), drops.make()]).complete();
        assert_eq!(drops.alive(), 4, "what was returned");
        drop(last);
        assert!(coroutine.try_resume([drops.make(), drops.make()]).is_err());
        assert_eq!(drops.alive(), 0);
        assert_eq!(drops.dropped(), 5 * 3 + 6 * 2 + 2);
    });
}

/// Where frames hold the address of the coroutine's header, as registers that the coroutine's first function saves may do, they
/// are what they were, whatever stands next to them.
#[test]
fn frames_full_of_the_address_of_the_handle() {
    fn body<const N: usize>(handle: &DynamicHandle<usize, [usize; N]>, first: usize) -> usize {
        let address = ptr::from_ref(handle).addr();
        let mut sum = first;
        for round in 0..N {
            let mut words = black_box([address; N]);
            words[round] = sum;
            sum += handle.suspend(words);
            assert_eq!(black_box(&words)[round], sum - 1);
            assert_eq!(words.iter().filter(|&&word| word == address).count(), N - 1);
        }
        sum
    }
    fn check<const N: usize>() {
        // SAFETY: the address that comes out is a number to the others, which do not use it; there are no destructors.
        let mut each = unsafe { [5, 7].map(|n| (n, DynamicCoroutine::new(body::<N>))) };
        for round in 0..N {
            for (first, coroutine) in &mut each {
                let input = if round == 0 { *first } else { 1 };
                let words = coroutine.resume(input).yielded().expect("one more round");
                assert_eq!(words[round], *first + round);
                assert!((0..N).all(|n| n == round || words[n] == words[(round + 1) % N]));
            }
        }
        for (first, mut coroutine) in each {
            assert_eq!(coroutine.resume(1).complete(), Some(first + N));
        }
    }
    check::<2>();
    check::<3>();
    check::<5>();
    check::<9>();
}
