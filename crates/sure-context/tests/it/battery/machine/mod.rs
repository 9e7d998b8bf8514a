//! What the tests know of each architecture: its non-volatile registers, for `registers`, and the
//! registers that the compiler hands out, for `placement`.

/// A register's name, and how many bytes `hold` reads and writes of it.
pub(super) type Register = (&'static str, usize);

/// One slot for each register, in the order of `REGISTERS`.
#[repr(C, align(16))]
pub(super) struct Slots(pub(super) [[u8; 16]; REGISTERS.len()]);

/// What `hold` calls while the registers hold their patterns.
pub(super) type Exchange = unsafe extern "C" fn(*mut u8);

/// Names the registers that the compiler hands out and `asm!` can name, numbered from 0.
macro_rules! handed_out {
    (general { $($g:literal $general:tt)* } float { $($f:literal $float:tt)* }) => {
        pub(in crate::battery) const GENERAL: &[&str] = &[$($general),*];

        pub(in crate::battery) const FLOAT: &[&str] = &[$($float),*];

        /// Has these values in all of the registers at once.
        #[inline(always)]
        #[allow(unused_variables, reason = "not every target's floats can be named")]
        pub(in crate::battery) fn occupy(
            general: &mut [usize; GENERAL.len()],
            float: &mut [f64; FLOAT.len()],
        ) {
            // SAFETY: no instruction.
            unsafe {
                core::arch::asm!(
                    "",
                    $(inout($general) general[$g],)*
                    $(inout($float) float[$f],)*
                    options(nomem, nostack, preserves_flags),
                )
            };
        }

        /// For each register the function whose first operand comes from it.
        pub(in crate::battery) fn with_each_register<O>()
        -> [crate::battery::placement::Placed; GENERAL.len()]
        where
            O: crate::battery::placement::Operation,
        {
            [$(crate::battery::placement::from_registers::<O, $g>),*]
        }
    };
}

#[macro_use]
#[allow(unused_macros, reason = "for instruction sets of two widths")]
#[path = "../../../../src/arch/width.rs"]
mod width;

sure_context::select_by_architecture! {
    mod isa;
}

pub(super) use isa::*;
