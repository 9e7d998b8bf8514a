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

        /// For each register the function whose first operand stands in it.
        pub(in crate::battery) fn with_each_register<O, const ORDER: usize>()
        -> [crate::battery::placement::Placed; GENERAL.len()]
        where
            O: crate::battery::placement::Operation,
        {
            [$(crate::battery::placement::from_registers::<O, ORDER, $g>),*]
        }
    };
}

#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "arm", path = "arm.rs")]
#[cfg_attr(target_arch = "loongarch64", path = "loongarch64.rs")]
#[cfg_attr(
    any(
        target_arch = "mips",
        target_arch = "mips32r6",
        target_arch = "mips64",
        target_arch = "mips64r6"
    ),
    path = "mips.rs"
)]
#[cfg_attr(
    any(target_arch = "powerpc", target_arch = "powerpc64"),
    path = "powerpc.rs"
)]
#[cfg_attr(target_arch = "riscv64", path = "riscv64.rs")]
#[cfg_attr(target_arch = "s390x", path = "s390x.rs")]
#[cfg_attr(target_arch = "sparc64", path = "sparc64.rs")]
#[cfg_attr(target_arch = "x86", path = "x86.rs")]
#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
mod isa;

pub(super) use isa::*;
