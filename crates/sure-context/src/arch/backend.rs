//! No architecture at all: one error, and enough for the rest of the crate to
//! compile, so that the error stands alone.

use super::{Entry, EntryBelow, Landing};
use crate::Word;

compile_error!(
    "sure-context has no context switch for this target; supported are aarch64 (64-bit pointers, \
     not UEFI), arm (Unix in little endian, not Apple), loongarch64, mips (32 bits: glibc only; \
     64 bits: with hardware floating point), powerpc and powerpc64 (not AIX or SPE), riscv32 and \
     riscv64 (not with half of the registers), s390x (hardware floating point), sparc64, x86 (Unix, not Apple), x86_64 (Unix with 64-bit pointers, \
     not Cygwin or VxWorks, nor bare metal, which has no red zone), and Windows by threads"
);

pub(crate) const STACK_ALIGNMENT: usize = 16;

pub(crate) const BYTES_BELOW: usize = 0;

/// The return address that ends a walk of the stack.
pub(crate) const END_OF_WALK: usize = 0;

pub(crate) const FIRST_FRAME: usize = 0;

pub(crate) unsafe fn prepare(_: *mut u8, _: Entry, _: *mut u8) -> usize {
    unreachable!()
}

pub(crate) unsafe fn stack_pointer_of(_: usize) -> *mut u8 {
    unreachable!()
}

pub(crate) unsafe fn resume(_: usize, _: *mut u8, _: Word, _: usize) -> Landing {
    unreachable!()
}

pub(crate) unsafe fn switch(_: usize, _: Word, _: usize) -> Landing {
    unreachable!()
}

pub(crate) unsafe fn descend(_: usize, _: EntryBelow, _: Word) -> Landing {
    unreachable!()
}

pub(crate) unsafe fn exit_to(_: usize, _: Word, _: usize) -> ! {
    unreachable!()
}

pub(crate) fn root_address() -> *const u8 {
    unreachable!()
}

pub(crate) fn stack_pointer() -> *mut u8 {
    unreachable!()
}

pub(crate) fn prefetch(_: *const u8) {
    unreachable!()
}

pub(crate) fn opaque(_: usize) -> usize {
    unreachable!()
}
