//! No sanitizer is told.

use core::ptr::NonNull;

/// The stack `limit..base` is handed out: all of it may be used, whatever ran there before.
#[inline(always)]
pub(crate) fn handed_out(_limit: NonNull<u8>, _base: NonNull<u8>) {}

/// The stack `limit..base` has been given back, and must not be used.
#[inline(always)]
pub(crate) fn given_back(_limit: NonNull<u8>, _base: NonNull<u8>) {}

/// A mapping is about to go: its addresses may become any other memory.
#[inline(always)]
pub(crate) fn unmapped(_start: *mut u8, _bytes: usize) {}
