//! No architecture at all: one error, and enough for the rest of the crate to
//! compile, so that the error stands alone.

use super::{Entry, EntryBelow, Landing};
use crate::Word;

refuse_this_target!();

pub(crate) type Left = core::convert::Infallible;

pub(crate) const STACK_ALIGNMENT: usize = 16;

pub(crate) const BYTES_BELOW: usize = 0;

/// The return address that ends a walk of the stack.
pub(crate) const END_OF_WALK: usize = 0;

/// Known words of a fresh stack.
pub(crate) const ENTRY_WORDS: usize = 0;

pub(crate) const FIRST_FRAME: usize = 0;

pub(crate) type Refusal = core::convert::Infallible;

pub(crate) fn os_error(_: &Refusal) -> i32 {
    unreachable!()
}

pub(crate) unsafe fn prepare(_: *mut u8, _: Entry, _: *mut u8) -> Result<usize, Refusal> {
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

pub(crate) unsafe fn leave(_: usize, _: Word, _: usize) -> Left {
    unreachable!()
}
