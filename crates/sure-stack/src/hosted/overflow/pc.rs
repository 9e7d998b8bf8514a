//! Where the code was that a signal has stopped.

use crate::hosted::target::{ProgramCounter, System};
use core::ffi::c_void;
#[allow(unused_imports, reason = "not on every target")]
use core::mem::offset_of;
use std::env::consts::{ARCH, OS};

const PLACE: Option<ProgramCounter> = System::named(OS).program_counter(ARCH);

/// libc's `sigaction` must be that of the kernel, or no handler works.
const _: () = assert!(
    !cfg!(any(target_arch = "mips64", target_arch = "mips64r6")) || libc::SA_SIGINFO == 8,
    "this version of libc has another platform's `sigaction` for 64-bit MIPS (0.2.191 does): take 0.2.183"
);

/// The table agrees with the C library's structures, where the `libc` crate has them.
#[cfg(all(target_vendor = "apple", target_arch = "aarch64"))]
const _: () = agrees(
    Some(offset_of!(libc::ucontext_t, uc_mcontext)),
    offset_of!(libc::__darwin_mcontext64, __ss)
        + offset_of!(libc::__darwin_arm_thread_state64, __pc),
);
#[cfg(all(target_vendor = "apple", target_arch = "x86_64"))]
const _: () = agrees(
    Some(offset_of!(libc::ucontext_t, uc_mcontext)),
    offset_of!(libc::__darwin_mcontext64, __ss)
        + offset_of!(libc::__darwin_x86_thread_state64, __rip),
);
#[cfg(all(target_os = "freebsd", target_arch = "x86_64"))]
const _: () = agrees(
    None,
    offset_of!(libc::ucontext_t, uc_mcontext) + offset_of!(libc::mcontext_t, mc_rip),
);
#[cfg(all(target_os = "freebsd", target_arch = "aarch64"))]
const _: () = agrees(
    None,
    offset_of!(libc::ucontext_t, uc_mcontext)
        + offset_of!(libc::mcontext_t, mc_gpregs)
        + offset_of!(libc::gpregs, gp_elr),
);
#[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
const _: () = agrees(
    None,
    offset_of!(libc::ucontext_t, uc_mcontext)
        + offset_of!(libc::mcontext_t, gregs)
        + libc::REG_RIP as usize * size_of::<libc::greg_t>(),
);
#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
const _: () = agrees(
    None,
    offset_of!(libc::ucontext_t, uc_mcontext) + offset_of!(libc::mcontext_t, pc),
);

#[allow(dead_code, reason = "not on every target")]
const fn agrees(through: Option<usize>, at: usize) {
    let Some(place) = PLACE else {
        panic!("the table has no program counter for this target")
    };
    assert!(place.at == at);
    match (place.through, through) {
        (None, None) => {}
        (Some(place), Some(pointer)) => assert!(place == pointer),
        _ => panic!("a pointer on one side only"),
    }
}

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
