//! What travels, and what stays alive on both sides.

use super::fiber::{Fiber, Inside};
use core::fmt::Debug;
use core::hint::black_box;
use core::mem::ManuallyDrop;
use sure_context::Word;

/// A value to the fiber and back, several times.
fn sent_and_received<T: Copy + PartialEq + Debug + 'static>(values: [T; 3]) {
    let mut fiber = Fiber::new(move |inside, mut word| {
        for value in values {
            // SAFETY: the resumer sends a `T`, and waits.
            assert_eq!(unsafe { word.receive::<T>() }, value);
            let mut sent = ManuallyDrop::new(black_box(value));
            word = inside.suspend(Word::send(&mut sent));
        }
        Word::EMPTY
    });
    for value in values {
        let mut sent = ManuallyDrop::new(black_box(value));
        let word = fiber.resume(Word::send(&mut sent));
        // SAFETY: the fiber sends a `T`, and is suspended.
        assert_eq!(unsafe { word.receive::<T>() }, value);
    }
}

pub(crate) fn small_values_keep_their_bytes_in_either_byte_order() {
    sent_and_received([0x01_u8, 0x80, 0xFF]);
    sent_and_received([-1_i8, i8::MIN, 0]);
    sent_and_received([true, false, true]);
    sent_and_received([[1_u8, 2, 3], [0xFF, 0, 0x80], [0; 3]]);
    sent_and_received([0xA55A_u16, 1, u16::MAX]);
    sent_and_received([(1_u8, 0xBEEF_u16), (0, 1), (0xFF, 0xFF00)]);
    sent_and_received(['a', 'ß', '\u{10FFFF}']);
    sent_and_received([1.5_f32, -0.0, f32::MAX]);
    sent_and_received([0x1234_5678_i32, -1, i32::MIN]);
    sent_and_received([usize::MAX, 0, 1 << (usize::BITS - 1)]);
    sent_and_received([(), (), ()]);
    sent_and_received([None, Some(7_u8), Some(0)]);
}

pub(crate) fn values_larger_than_a_word_are_received_from_where_they_stand() {
    sent_and_received([[usize::MAX, 0], [1, 2], [3, 4]]);
    sent_and_received([(1_u8, u128::MAX), (0, 1), (0xFF, 1 << 127)]);
    sent_and_received([[0x5A_u8; 1000], [0; 1000], [0xFF; 1000]]);
}

/// A value of any size: its address travels, the side that is left keeps it.
fn through_an_address<T: Copy + PartialEq + Debug + 'static>(values: [T; 3]) {
    let mut fiber = Fiber::new(move |inside, mut word| {
        for value in values {
            // SAFETY: the address of a `T` on the resumer's stack.
            assert_eq!(unsafe { word.as_ptr::<T>().read() }, value);
            let mut copy = black_box(value);
            word = inside.suspend(Word::from_ptr(&raw mut copy));
        }
        Word::EMPTY
    });
    for value in values {
        let mut copy = black_box(value);
        let word = fiber.resume(Word::from_ptr(&raw mut copy));
        // SAFETY: the address of a `T` on the fiber's stack.
        assert_eq!(unsafe { word.as_ptr::<T>().read() }, value);
    }
}

pub(crate) fn large_values_travel_by_address() {
    through_an_address([0x0123_4567_89AB_CDEF_u64, 1, u64::MAX]);
    through_an_address([i128::MIN, -1, 0x0123_4567_89AB_CDEF_0011_2233_4455_6677]);
    through_an_address([1.0_f64, -2.5e300, f64::MIN_POSITIVE]);
    through_an_address([[1_usize, 2, 3], [4, 5, 6], [7, 8, 9]]);
    through_an_address([[0xA5_u8; 4096], [1; 4096], [2; 4096]]);
    through_an_address([(1_u8, 2_u64, 3_u16), (4, 5, 6), (7, 8, 9)]);
}

/// Arguments and results that take a register pair on 32-bit targets, alive
/// across a suspend in the callee.
#[inline(never)]
fn mix(inside: &mut Inside, a: u64, b: i128, c: f64, d: u8, e: u64) -> (i128, f64) {
    let n = inside.suspend_number(usize::from(d));
    let sum = b + i128::from(a) - i128::from(e) + n as i128;
    (sum, c * 2.0 + f64::from(d))
}

pub(crate) fn wide_values_by_value_are_alive_across_a_switch() {
    let mut fiber = Fiber::new(|inside, _| {
        let mut total = (0_i128, 0.0_f64);
        for round in 0..100_u8 {
            let a = black_box(0xFFFF_FFFF_0000_0001_u64);
            let b = black_box(-(1_i128 << 100));
            let c = black_box(0.5 + f64::from(round));
            let (x, y) = mix(inside, a, b, c, round, a - 7);
            assert_eq!(x, b + 7 + i128::from(round) * 3);
            assert_eq!(y, c * 2.0 + f64::from(round));
            total = (total.0 + x, total.1 + y);
        }
        assert_eq!(total.0, -(100_i128 << 100) + 700 + 3 * 4950);
        assert_eq!(total.1, 100.0 + 4950.0 * 3.0);
        Word::from_usize(1000)
    });
    let mut next = 0;
    for round in 0..100 {
        assert_eq!(fiber.resume_number(next), round);
        next = round * 3;
    }
    assert_eq!(fiber.resume_number(next), 1000);
}

/// More floats than any target has registers, alive across every switch on both sides.
#[inline(never)]
fn churn(seed: f64, exchange: &mut dyn FnMut(usize) -> usize) -> f64 {
    let mut v: [f64; 40] = core::array::from_fn(|i| black_box(seed + i as f64));
    for round in 0..50 {
        let n = exchange(round);
        assert_eq!(n, round + 1);
        for (i, x) in v.iter_mut().enumerate() {
            *x = *x * 1.25 - (i % 3) as f64;
        }
    }
    v.iter().sum()
}

/// A few floats, so that all of them can stay in registers.
#[inline(never)]
fn churn_few(seed: f64, exchange: &mut dyn FnMut(usize) -> usize) -> f64 {
    let (mut a, mut b, mut c, mut d) = (seed, seed * 2.0, seed * 3.0, seed as f32);
    for round in 0..50 {
        let n = exchange(round) as f64;
        (a, b, c) = (b + n, c - a, a * 0.5);
        d += 0.25;
    }
    a + b + c + f64::from(d)
}

pub(crate) fn floats_are_alive_across_switches_on_both_sides() {
    type Churn = fn(f64, &mut dyn FnMut(usize) -> usize) -> f64;
    for churn in [churn as Churn, churn_few] {
        let alone = |seed| churn(seed, &mut |n| black_box(n + 1));
        let mut fiber = Fiber::new(move |inside, _| {
            let sum = churn(3.5, &mut |n| inside.suspend_number(n));
            Word::from_usize(usize::from(sum == churn(3.5, &mut |n| n + 1)))
        });
        assert_eq!(fiber.resume_number(0), 0);
        let sum = churn(-7.25, &mut |n| {
            if n < 49 {
                assert_eq!(fiber.resume_number(n + 1), n + 1);
            }
            n + 1
        });
        assert_eq!(sum, alone(-7.25));
        assert_eq!(fiber.resume_number(50), 1, "the fiber's sum");
        assert!(fiber.is_complete());
    }
}
