//! How values cross, when the frames that they come from may have moved.
//!
//! A value of at most a word travels in the word. A larger one stays where it
//! is, in a frame, and its address travels; by the time that it is read, the
//! frame may stand on the heap, where `locate` says. Bytes are copied from
//! there, since the copy of a frame need not be aligned as the frame was.

use std::mem::{MaybeUninit, size_of};
use std::ptr;
use sure_context::Word;

/// The value that the other side has sent.
///
/// # Safety
/// The word was made by `coro::internal::send::<T>` and is received once;
/// `locate` turns the address that it may hold into one where the bytes are now.
#[inline(always)]
pub(crate) unsafe fn receive<T>(word: Word, locate: impl FnOnce(*const u8) -> *const u8) -> T {
    let bytes = if Word::fits::<T>() {
        (&raw const word).cast()
    } else {
        // SAFETY: the word is the address of a `T`.
        locate(unsafe { word.as_ptr::<u8>() })
    };
    // SAFETY: a `T` is there, and given away.
    unsafe { take(bytes) }
}

/// Moves a value out of bytes of any alignment.
///
/// # Safety
/// `bytes` are those of a `T`, which is not used there any more.
#[inline(always)]
pub(crate) unsafe fn take<T>(bytes: *const u8) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the caller's promise; the two do not overlap.
    unsafe {
        ptr::copy_nonoverlapping(bytes, value.as_mut_ptr().cast::<u8>(), size_of::<T>());
        value.assume_init()
    }
}
