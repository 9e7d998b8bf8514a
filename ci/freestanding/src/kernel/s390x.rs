//! s390x: `svc 0`, the number in %r1.

use core::arch::naked_asm;

pub(super) const WRITE: usize = 4;

pub(super) const EXIT: usize = 1;

/// Where the kernel begins: %r15; a caller provides 160 bytes.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!(
        "lgr %r2, %r15",
        "lay %r15, -160(%r15)",
        "xc 0(8, %r15), 0(%r15)",
        "brasl %r14, {start}",
        "j .+2",
        start = sym crate::start,
    )
}

/// Three arguments and the number of the call; its result.
///
/// # Safety
/// As the call asks for.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn system_call(a: usize, b: usize, c: usize, number: usize) -> usize {
    naked_asm!(
        "lgr %r1, %r5",
        "svc 0",
        "br %r14",
    )
}
