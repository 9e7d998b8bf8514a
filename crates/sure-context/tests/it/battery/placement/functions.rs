//! The functions that switch, each with its operands in other places.

use super::Operation;
use crate::battery::machine::{FLOAT, GENERAL, occupy};
use core::hint::black_box;
use sure_context::Signal;

/// Values that may be alive at a switch besides its operands.
const VALUES: usize = 32;

const _: () = assert!(GENERAL.len() <= VALUES);

/// Arguments of `from_arguments`, besides the call: more than any ABI passes in registers.
pub(super) const ARGUMENTS: usize = 11;

/// The most values that `from_over_a_call` keeps.
const MOST_KEPT: usize = 12;

/// One switch: what it is given, what stays alive meanwhile, and what arrives when the other side
/// has switched back.
pub(in crate::battery) struct Call {
    pub(super) operands: [usize; 4],
    pub(super) values: [usize; VALUES],
    pub(super) floats: [f64; FLOAT.len()],
    pub(super) arrived: Arrived,
}

/// An arrival in numbers; `from` is 0 where there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::battery) struct Arrived {
    pub(super) from: usize,
    pub(super) word: usize,
    pub(super) signal: Signal,
}

impl Call {
    pub(super) fn new(values: [usize; VALUES], floats: [f64; FLOAT.len()]) -> Call {
        Call {
            operands: [0; 4],
            values,
            floats,
            arrived: Arrived {
                from: 0,
                word: 0,
                signal: Signal::Run,
            },
        }
    }

    pub(super) fn operand(&self, k: usize) -> usize {
        self.operands[k]
    }

    #[inline(always)]
    pub(super) fn first_values<const N: usize>(&self) -> [usize; N] {
        *self.values.first_chunk().expect("not so many")
    }

    #[inline(always)]
    fn set_first_values<const N: usize>(&mut self, values: [usize; N]) {
        *self.values.first_chunk_mut().expect("not so many") = values;
    }
}

/// Where operand `k` is found: in order 0 the first one at place `first`, and so on; in each
/// further order they are turned by one. The last place is followed by the first.
pub(super) const fn place(
    k: usize,
    operands: usize,
    order: usize,
    first: usize,
    places: usize,
) -> usize {
    (first + (k + order) % operands) % places
}

/// The places of all operands of an operation; of those that it does not have, that of the first.
const fn all_places<O: Operation>(order: usize, first: usize, places: usize) -> [usize; 4] {
    let mut all = [place(0, O::OPERANDS, order, first, places); 4];
    let mut k = 1;
    while k < O::OPERANDS {
        all[k] = place(k, O::OPERANDS, order, first, places);
        k += 1;
    }
    all
}

/// A function that switches with the operands of the call.
pub(in crate::battery) type Placed = unsafe fn(&mut Call);

/// A function that switches with some of its arguments.
#[rustfmt::skip]
pub(super) type WithArguments = unsafe extern "C" fn(
    usize, usize, usize, usize, usize, usize, usize, usize, usize, usize, usize, &mut Call,
);

/// The functions for an operation and an order of its operands.
pub(super) struct Functions {
    pub(super) from_arguments: [WithArguments; ARGUMENTS],
    pub(super) from_over_a_call: [Placed; MOST_KEPT + 1],
}

impl Functions {
    #[rustfmt::skip]
    pub(super) fn of<O: Operation, const ORDER: usize>() -> Functions {
        Functions {
            from_arguments: [
                from_arguments::<O, ORDER, 0>,
                from_arguments::<O, ORDER, 1>,
                from_arguments::<O, ORDER, 2>,
                from_arguments::<O, ORDER, 3>,
                from_arguments::<O, ORDER, 4>,
                from_arguments::<O, ORDER, 5>,
                from_arguments::<O, ORDER, 6>,
                from_arguments::<O, ORDER, 7>,
                from_arguments::<O, ORDER, 8>,
                from_arguments::<O, ORDER, 9>,
                from_arguments::<O, ORDER, 10>,
            ],
            from_over_a_call: [
                from_over_a_call::<O, ORDER, 0>,
                from_over_a_call::<O, ORDER, 1>,
                from_over_a_call::<O, ORDER, 2>,
                from_over_a_call::<O, ORDER, 3>,
                from_over_a_call::<O, ORDER, 4>,
                from_over_a_call::<O, ORDER, 5>,
                from_over_a_call::<O, ORDER, 6>,
                from_over_a_call::<O, ORDER, 7>,
                from_over_a_call::<O, ORDER, 8>,
                from_over_a_call::<O, ORDER, 9>,
                from_over_a_call::<O, ORDER, 10>,
                from_over_a_call::<O, ORDER, 11>,
                from_over_a_call::<O, ORDER, 12>,
            ],
        }
    }
}

/// The operands come from registers, and what arrives goes to them; all others that can be named
/// hold values, before the switch and after it.
///
/// # Safety
/// The call's operands are those of a switch that may be made.
#[inline(never)]
pub(in crate::battery) unsafe fn from_registers<O: Operation, const FIRST: usize>(call: &mut Call) {
    let at = const { all_places::<O>(0, FIRST, GENERAL.len()) };
    let mut general: [usize; GENERAL.len()] = call.first_values();
    let mut float = call.floats;
    // Statements instead of loops, so that the arrays become registers.
    general[at[0]] = call.operands[0];
    general[at[1]] = call.operands[1];
    if O::OPERANDS > 2 {
        general[at[2]] = call.operands[2];
    }
    if O::OPERANDS > 3 {
        general[at[3]] = call.operands[3];
    }
    occupy(&mut general, &mut float);
    let operands = [
        general[at[0]],
        general[at[1]],
        general[at[2]],
        general[at[3]],
    ];
    // SAFETY: the caller gives the operands of a switch that may be made; they were in registers
    // meanwhile.
    let arrived = unsafe { O::perform(operands) };
    general[at[0]] = arrived.from;
    general[at[1]] = arrived.word;
    occupy(&mut general, &mut float);
    call.arrived = Arrived {
        from: general[at[0]],
        word: general[at[1]],
        signal: arrived.signal,
    };
    general[at[0]] = call.values[at[0]];
    general[at[1]] = call.values[at[1]];
    general[at[2]] = call.values[at[2]];
    general[at[3]] = call.values[at[3]];
    call.set_first_values(general);
    call.floats = float;
}

/// The operands are arguments, among others that stay alive.
///
/// # Safety
/// Those arguments are the operands of a switch that may be made.
#[allow(clippy::too_many_arguments, reason = "that is what it is for")]
#[inline(never)]
#[rustfmt::skip]
unsafe extern "C" fn from_arguments<O: Operation, const ORDER: usize, const FIRST: usize>(
    a: usize, b: usize, c: usize, d: usize, e: usize, f: usize,
    g: usize, h: usize, i: usize, j: usize, k: usize,
    call: &mut Call,
) {
    let at = const { all_places::<O>(ORDER, FIRST, ARGUMENTS) };
    let mut all = [a, b, c, d, e, f, g, h, i, j, k];
    let operands = [all[at[0]], all[at[1]], all[at[2]], all[at[3]]];
    // SAFETY: the caller gives the operands of a switch that may be made.
    call.arrived = unsafe { O::perform(operands) };
    all[at[0]] = call.values[at[0]];
    all[at[1]] = call.values[at[1]];
    all[at[2]] = call.values[at[2]];
    all[at[3]] = call.values[at[3]];
    call.set_first_values(all);
}

/// The operands are kept over a call, as are `KEPT` values more.
///
/// # Safety
/// The call's operands are those of a switch that may be made.
#[inline(never)]
unsafe fn from_over_a_call<O: Operation, const ORDER: usize, const KEPT: usize>(call: &mut Call) {
    #[inline(never)]
    extern "C" fn nothing() {}
    let at = const { all_places::<O>(ORDER, 0, O::OPERANDS) };
    let mut values: [usize; MOST_KEPT] = call.first_values();
    let mut operands = [0; 4];
    // The order in which the values come to life is one that the compiler may hand registers out in.
    operands[at[0]] = hidden(call.operands[at[0]]);
    operands[at[1]] = hidden(call.operands[at[1]]);
    if O::OPERANDS > 2 {
        operands[at[2]] = hidden(call.operands[at[2]]);
    }
    if O::OPERANDS > 3 {
        operands[at[3]] = hidden(call.operands[at[3]]);
    }
    hide::<KEPT>(&mut values);
    let nothing: extern "C" fn() = black_box(nothing);
    nothing();
    // SAFETY: the caller gives the operands of a switch that may be made.
    let arrived = unsafe { O::perform(operands) };
    hide::<KEPT>(&mut values);
    call.arrived = arrived;
    call.set_first_values(values);
}

/// Hides the first `KEPT` values, one by one.
#[inline(always)]
fn hide<const KEPT: usize>(values: &mut [usize; MOST_KEPT]) {
    macro_rules! each {
        ($($index:literal)*) => {
            $(
                if $index < KEPT {
                    values[$index] = hidden(values[$index]);
                }
            )*
        };
    }
    each!(0 1 2 3 4 5 6 7 8 9 10 11);
}

/// The same value, which the compiler does not know, in a register of its choice.
#[inline(always)]
fn hidden(mut value: usize) -> usize {
    // SAFETY: no instruction.
    unsafe {
        core::arch::asm!("/* {} */", inout(reg) value, options(nomem, nostack, preserves_flags));
    }
    value
}
