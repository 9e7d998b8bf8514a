//! The operands of every switch, in every place where the compiler may have them.
//!
//! An inline switch is a block of assembly whose operands the compiler places as it likes, so a
//! block that overwrites a register before it has read an operand from there works until the
//! compiler chooses that register. Here it has every reason to: each operand comes from each
//! register that `asm!` can name, from each argument position, and from the registers that are
//! kept over a call, while other values are alive in all others. Both sides check what arrives.

mod functions;
mod operations;

use super::fiber::Memory;
use super::machine::{FLOAT, GENERAL, with_each_register};
use core::fmt;
use functions::{ARGUMENTS, Call, Functions};
pub(super) use functions::{Placed, from_registers};
pub(super) use operations::Operation;
use operations::{Descend, Exit, Resume, Switch};

/// Which function is tried; part of every message.
#[derive(Clone, Copy)]
pub(super) struct Place {
    operation: &'static str,
    /// What kind of place the operands come from.
    from: &'static str,
    /// By how many places the operands are turned.
    order: usize,
    /// The place of the first one (in order 0).
    first: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.from {
            REGISTER => GENERAL[self.first],
            _ => "",
        };
        write!(
            f,
            "{}, order {}, from {} {} {name}",
            self.operation, self.order, self.from, self.first
        )
    }
}

const REGISTER: &str = "register";
const ARGUMENT: &str = "argument";
const OVER_A_CALL: &str = "over a call with so many values:";

/// One switch after the other, each with numbers of its own.
struct Trial {
    memory: Memory,
    number: usize,
}

impl Trial {
    fn attempt<O: Operation>(&mut self, place: Place, placed: &dyn Fn(&mut Call)) {
        self.number += 1;
        let values = core::array::from_fn(|index| pattern(self.number, index));
        let floats: [f64; FLOAT.len()] =
            core::array::from_fn(|index| pattern(self.number, index) as f64 * 0.5);
        let mut call = Call::new(values, floats);
        O::exchange(
            &mut self.memory,
            pattern(self.number, 60),
            &place,
            &mut call,
            placed,
        );
        assert_eq!(call.values, values, "values that were alive: {place}");
        assert_eq!(call.floats, floats, "floats that were alive: {place}");
    }
}

/// A number that differs for each switch and for each of its values.
fn pattern(number: usize, index: usize) -> usize {
    (number * 64 + index).wrapping_mul(0x9E37_79B1)
}

/// Tries all functions; those whose operands come in some order are given for each order.
fn everywhere<O: Operation>(orders: &[Functions]) {
    assert_eq!(orders.len(), O::OPERANDS, "an order for each operand");
    let mut trial = Trial {
        memory: Memory::new(64 << 10),
        number: 0,
    };
    let mut counts = [0; 3];
    let place = |from, order, first| Place {
        operation: O::NAME,
        from,
        order,
        first,
    };
    // Beginning with each register in turn has every operand in every register.
    for (first, placed) in with_each_register::<O>().into_iter().enumerate() {
        // SAFETY: `exchange` gives the operands of a switch that may be made.
        trial.attempt::<O>(place(REGISTER, 0, first), &|call| unsafe { placed(call) });
        counts[0] += O::OPERANDS;
    }
    for (order, functions) in orders.iter().enumerate() {
        for (first, placed) in functions.from_arguments.iter().enumerate() {
            trial.attempt::<O>(place(ARGUMENT, order, first), &|call| {
                let mut a: [usize; ARGUMENTS] = call.first_values();
                for k in 0..O::OPERANDS {
                    a[functions::place(k, O::OPERANDS, order, first, ARGUMENTS)] = call.operand(k);
                }
                // SAFETY: `exchange` gives the operands of a switch that may be made, and the
                // function takes them from where they are put here.
                unsafe {
                    placed(
                        a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], call,
                    );
                }
            });
            counts[1] += O::OPERANDS;
        }
        for (alive, placed) in functions.from_over_a_call.iter().enumerate() {
            // SAFETY: `exchange` gives the operands of a switch that may be made.
            trial.attempt::<O>(place(OVER_A_CALL, order, alive), &|call| unsafe {
                placed(call)
            });
            counts[2] += O::OPERANDS;
        }
    }
    let [registers, arguments, over_a_call] = counts;
    crate::host::note(format_args!(
        "placements: {} {registers} {arguments} {over_a_call}",
        O::NAME
    ));
}

pub(crate) fn resume_takes_its_operands_from_anywhere() {
    everywhere::<Resume>(&[
        Functions::of::<Resume, 0>(),
        Functions::of::<Resume, 1>(),
        Functions::of::<Resume, 2>(),
        Functions::of::<Resume, 3>(),
    ]);
}

pub(crate) fn switch_takes_its_operands_from_anywhere() {
    everywhere::<Switch>(&[
        Functions::of::<Switch, 0>(),
        Functions::of::<Switch, 1>(),
        Functions::of::<Switch, 2>(),
    ]);
}

pub(crate) fn exit_to_takes_its_operands_from_anywhere() {
    everywhere::<Exit>(&[
        Functions::of::<Exit, 0>(),
        Functions::of::<Exit, 1>(),
        Functions::of::<Exit, 2>(),
    ]);
}

pub(crate) fn descend_takes_its_operands_from_anywhere() {
    everywhere::<Descend>(&[Functions::of::<Descend, 0>(), Functions::of::<Descend, 1>()]);
}
