//! Every register that the ABI calls non-volatile keeps its pattern.
//!
//! Each architecture names those registers and has one function, written in
//! assembly: `hold` fills all of them from `patterns`, calls `exchange`, which
//! switches to another execution, and writes what they hold afterwards to
//! `seen`. It obeys the ABI itself, so its caller may be compiled code.

use super::fiber::{Fiber, Inside};
use super::machine::{REGISTERS, Slots, hold};
use core::ptr;
use sure_context::Word;

/// Patterns that differ in every register and for every `seed`.
fn patterns(seed: u8) -> Slots {
    let mut slots = Slots([[0; 16]; REGISTERS.len()]);
    for (index, slot) in slots.0.iter_mut().enumerate() {
        for (place, byte) in slot.iter_mut().enumerate() {
            *byte = seed
                .wrapping_mul(37)
                .wrapping_add(place as u8 * 16)
                .wrapping_add(index as u8 * 5);
        }
    }
    slots
}

/// Holds patterns during one exchange, and asserts that all are still there.
fn check(seed: u8, side: &str, exchange: &mut dyn FnMut()) {
    unsafe extern "C" fn call(argument: *mut u8) {
        // SAFETY: `check` passes the address of this.
        unsafe { (*argument.cast::<&mut dyn FnMut()>())() }
    }
    let patterns = patterns(seed);
    let mut seen = Slots([[0; 16]; REGISTERS.len()]);
    let mut exchange = exchange;
    // SAFETY: `call` gets the address that it expects, and does not unwind,
    // because a failed assertion inside ends the test.
    unsafe {
        hold(
            &patterns,
            &mut seen,
            call,
            ptr::from_mut(&mut exchange).cast(),
        )
    };
    for (index, (name, bytes)) in REGISTERS.iter().enumerate() {
        assert_eq!(
            seen.0[index][..*bytes],
            patterns.0[index][..*bytes],
            "{name} on {side}, seed {seed}"
        );
    }
}

pub(crate) fn registers_keep_their_patterns_without_a_switch() {
    for seed in 0..10 {
        check(seed, "the test alone", &mut || {});
    }
}

pub(crate) fn every_non_volatile_register_keeps_its_pattern() {
    let mut fiber = Fiber::new(|inside: &mut Inside, _| {
        for round in 0..20 {
            check(100 + round, "the fiber", &mut || {
                inside.suspend_number(1);
            });
        }
        Word::from_usize(2)
    });
    for round in 0..20 {
        check(round, "the test", &mut || {
            assert_eq!(fiber.resume_number(0), 1);
        });
    }
    check(50, "the test, at the end", &mut || {
        assert_eq!(fiber.resume_number(0), 2);
    });
    assert!(fiber.is_complete());
}

pub(crate) fn registers_keep_their_patterns_in_nested_fibers() {
    let mut outer = Fiber::new(|outside: &mut Inside, _| {
        let mut inner = Fiber::new(|inside: &mut Inside, _| {
            for round in 0..6 {
                check(150 + round, "the inner fiber", &mut || {
                    inside.suspend_number(1);
                });
            }
            Word::from_usize(0)
        });
        for round in 0..6 {
            check(80 + round, "the outer fiber", &mut || {
                assert_eq!(inner.resume_number(0), 1);
                outside.suspend_number(1);
            });
        }
        Word::from_usize(0)
    });
    for round in 0..6 {
        check(round, "the test", &mut || {
            assert_eq!(outer.resume_number(0), 1);
        });
    }
}
