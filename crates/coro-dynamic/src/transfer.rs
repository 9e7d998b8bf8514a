//! How values cross, when the frames that they come from may have moved.
//!
//! A value of at most a word travels in the word. A larger one stays where it
//! is, in a frame, and its address travels; by the time that it is read, the
//! frame may stand on the heap, or a part of it. So `fetch` copies the bytes
//! that stood at an address when it was sent.

use std::mem::{MaybeUninit, size_of};
use std::ptr;
use sure_context::Word;

/// The value that the other side has sent.
///
/// # Safety
/// The word was made by `coro::internal::send::<T>` and is received once;
/// `fetch(from, to, bytes)` writes so many bytes to `to`, which stood at `from`
/// when the word was sent.
#[inline(always)]
pub(crate) unsafe fn receive<T>(word: Word, fetch: impl FnOnce(*const u8, *mut u8, usize)) -> T {
    if Word::fits::<T>() {
        // SAFETY: the first bytes of the word are those of a `T`.
        return unsafe { take((&raw const word).cast()) };
    }
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the word is the address of a `T`, which is given away.
    unsafe {
        fetch(
            word.as_ptr::<u8>(),
            value.as_mut_ptr().cast::<u8>(),
            size_of::<T>(),
        );
        value.assume_init()
    }
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
