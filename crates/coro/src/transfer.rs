//! How values cross a switch.
//!
//! A value of at most a word travels in the word, that is in a register. A
//! larger one stays where it is, on the stack that is left, and its address
//! travels: that stack is suspended and cannot change before the other side
//! has moved the value out, which is the first thing it does.

use core::mem::{ManuallyDrop, MaybeUninit, size_of};
use core::ptr;
use sure_context::Word;

/// The word for a value that is given away.
///
/// The other side must [`receive`] it exactly once, while `value` stays where it is.
#[inline(always)]
pub(crate) fn send<T>(value: &mut ManuallyDrop<T>) -> Word {
    // SAFETY: what a reference points to may be read.
    unsafe { send_from((&raw mut *value).cast::<T>()) }
}

/// As [`send`], from memory that may hold no value, if nobody receives one.
///
/// # Safety
/// `value` is valid for reads of a `T`.
#[inline(always)]
pub(crate) unsafe fn send_from<T>(value: *mut T) -> Word {
    if !Word::fits::<T>() {
        return Word::from_ptr(value);
    }
    let mut bits = MaybeUninit::<Word>::uninit();
    // SAFETY: `T` may be read (the caller's promise) and is not larger than a
    // word, and the two do not overlap. Any bytes, uninitialised ones too, are
    // a valid `Word`.
    unsafe {
        ptr::copy_nonoverlapping(
            value.cast::<u8>(),
            bits.as_mut_ptr().cast::<u8>(),
            size_of::<T>(),
        );
        bits.assume_init()
    }
}

/// The value that the other side has sent.
///
/// # Safety
/// The word was made by [`send::<T>`](send), is received once, and the value
/// given there is still where it was.
#[inline(always)]
pub(crate) unsafe fn receive<T>(word: Word) -> T {
    if Word::fits::<T>() {
        // SAFETY: the first bytes of the word are those of a `T`, see `send`.
        unsafe { (&raw const word).cast::<T>().read_unaligned() }
    } else {
        // SAFETY: the word is the address of a `T` that is given away.
        unsafe { word.as_ptr::<T>().read() }
    }
}
