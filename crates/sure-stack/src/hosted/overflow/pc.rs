//! Where the code was that a signal has stopped.

use crate::hosted::target::{ProgramCounter, Target};
use core::ffi::c_void;
use std::env::consts::ARCH;

const PLACE: Option<ProgramCounter> = Target::named(ARCH).program_counter;

/// libc's `sigaction` must be that of the kernel, or no handler works.
const _: () = assert!(
    !cfg!(any(target_arch = "mips64", target_arch = "mips64r6")) || libc::SA_SIGINFO == 8,
    "this version of libc has another platform's `sigaction` for 64-bit MIPS (0.2.191 does): take 0.2.183"
);

/// The program counter in the third argument of a signal handler, on targets
/// where its place is known.
///
/// # Safety
/// `context` is that argument, as the kernel gave it.
pub(super) unsafe fn of(context: *const c_void) -> Option<usize> {
    let place = PLACE?;
    let registers = match place.through {
        // SAFETY: the table says that a pointer to the registers is there.
        Some(at) => unsafe { context.byte_add(at).cast::<*const c_void>().read() },
        None => context,
    };
    // SAFETY: the table says that the program counter is there, in so many bytes;
    // the kernel aligns it to its size.
    unsafe {
        let address = registers.byte_add(place.at);
        Some(match place.bytes {
            4 => address.cast::<u32>().read() as usize,
            _ => address.cast::<u64>().read() as usize,
        })
    }
}
