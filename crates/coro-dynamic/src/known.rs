//! Words of the frames that need no memory while a coroutine is suspended, because they are known.
//!
//! The compiler begins every function by saving the registers of its caller. The first function of
//! a coroutine never returns to its caller, which is the root of the stack; so what it saves is of
//! no use, but it stands in the frames of each of them. Where the root has put one known word into all these
//! registers ([`ExecutionContext::ENTRY_WORDS`]), the high end of the frames is this, in the order of falling addresses:
//!
//! - the return address into the root, the same for all coroutines,
//! - as many times as the function saves registers, the address of the header.
//!
//! These are counted when the frames are taken away, each time, and written when they are put back. So it does not
//! matter how many they are, nor whether a local below them happens to hold the same word.

#![allow(
    clippy::absurd_extreme_comparisons,
    clippy::reversed_empty_ranges,
    clippy::unnecessary_min_or_max,
    reason = "on most architectures no word is known, and `MOST` is 0"
)]

use crate::header::GRAIN;
use std::ptr;
use sure_context::{ExecutionContext, ParentLink};

/// At most so many words.
const MOST: usize = ExecutionContext::ENTRY_WORDS;

const _: () = assert!(
    MOST == 0 || size_of::<usize>() == GRAIN,
    "a word is a grain"
);

/// The highest word of frames whose known words are left out; 0, which is no return address, if none are.
///
/// Below the known words may be one that was never written. Memcheck would report that it is compared,
/// so under memcheck all are kept.
pub(crate) fn entry_return() -> usize {
    if MOST == 0 || sure_stack::internal::is_memcheck() {
        0
    } else {
        ParentLink::new().return_address().addr()
    }
}

/// How many words below `base`, the high end of frames, are known.
///
/// # Safety
/// The words from `low` up to `base` are in place, and both are aligned to a word.
#[inline(always)]
pub(crate) unsafe fn count(low: usize, base: usize, entry_return: usize, header: usize) -> usize {
    let frames = (base - low) / size_of::<usize>();
    let top = ptr::with_exposed_provenance::<usize>(base);
    // SAFETY: the word is one of the frames, as it is asked for only while `n` is less than their number.
    let word = |n: usize| unsafe { top.sub(n + 1).read_volatile() };
    if MOST == 0 || frames < MOST || word(0) != entry_return {
        return 0;
    }
    if (1..MOST).all(|n| word(n) == header) {
        // The usual case, without counting.
        return MOST;
    }
    (1..MOST).take_while(|&n| word(n) == header).count() + 1
}

/// Writes `count` known words below `base`.
///
/// # Safety
/// They may be written, and `base` is aligned to a word.
#[inline(always)]
pub(crate) unsafe fn write(count: usize, base: usize, entry_return: usize, header: usize) {
    if MOST == 0 {
        return;
    }
    let top = ptr::with_exposed_provenance_mut::<usize>(base);
    // SAFETY: the caller lets so many words be written.
    let put = |n: usize, word| unsafe { top.sub(n + 1).write_volatile(word) };
    if count == MOST {
        // The usual case, without a loop.
        put(0, entry_return);
        (1..MOST).for_each(|n| put(n, header));
    } else if count > 0 {
        put(0, entry_return);
        (1..count).for_each(|n| put(n, header));
    }
}

/// Copies `bytes` bytes that were among known words to `to`: those that begin `below` bytes below the base.
///
/// # Safety
/// 1. The bytes at `to` may be written.
/// 2. They were among known words, of which there are at most [`ExecutionContext::ENTRY_WORDS`].
#[cold]
#[inline(never)]
pub(crate) unsafe fn fetch(
    below: usize,
    to: *mut u8,
    bytes: usize,
    entry_return: usize,
    header: usize,
) {
    let mut words = [header; MOST + 1];
    words[MOST] = entry_return;
    let end = words.as_ptr_range().end.cast::<u8>();
    // SAFETY: the bytes lie in the array, whose end stands for the base (2), and `to` is the caller's (1).
    unsafe { ptr::copy_nonoverlapping(end.sub(below), to, bytes) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DynamicCoroutine;
    use crate::header::{Extent, Header, Mode};
    use crate::region::Region;

    const RETURN: usize = 0x1234;
    const HEADER: usize = 0x5678;

    /// Frames of which the highest words are `RETURN` and some `HEADER`s, and all below something else.
    fn frames(headers: usize) -> Vec<usize> {
        let mut words: Vec<usize> = (100..120).collect();
        let top = words.len() - 1;
        words[top] = RETURN;
        words[top - headers..top].fill(HEADER);
        words
    }

    fn ends(words: &mut [usize]) -> (usize, usize) {
        let range = words.as_mut_ptr_range();
        (
            range.start.expose_provenance(),
            range.end.expose_provenance(),
        )
    }

    #[test]
    fn known_words_are_counted_up_to_the_first_other_one() {
        for headers in 0..10 {
            let mut words = frames(headers);
            let (low, base) = ends(&mut words);
            // SAFETY: the words are there.
            let known = unsafe { count(low, base, RETURN, HEADER) };
            assert_eq!(known, (headers + 1).min(MOST));
            // SAFETY: the words are there.
            let other = unsafe { count(low, base, RETURN + 1, HEADER) };
            assert_eq!(other, 0, "another return address");
        }
    }

    #[test]
    fn no_word_below_the_frames_is_looked_at() {
        let mut words = frames(9);
        let (_, base) = ends(&mut words);
        for few in 0..MOST {
            let low = base - few * size_of::<usize>();
            // SAFETY: the words are there.
            assert_eq!(unsafe { count(low, base, RETURN, HEADER) }, 0);
        }
    }

    #[test]
    fn what_was_counted_is_written_and_nothing_else() {
        for headers in 0..10 {
            let mut words = frames(headers);
            let (low, base) = ends(&mut words);
            // SAFETY: the words are there.
            let known = unsafe { count(low, base, RETURN, HEADER) };
            let expected = words.clone();
            let kept = words.len() - known;
            words[kept..].fill(0xBAD);
            let (_, base) = ends(&mut words);
            // SAFETY: the words are there.
            unsafe { write(known, base, RETURN, HEADER) };
            assert_eq!(words, expected);
        }
    }

    /// A value that a coroutine has sent from next to the saved registers, and that looks as they do.
    #[test]
    fn a_value_is_fetched_across_the_edge_of_what_is_kept() {
        unsafe fn start(
            _: std::ptr::NonNull<Header>,
            _: Option<std::ptr::NonNull<u8>>,
        ) -> Option<ExecutionContext> {
            unreachable!("it is never begun")
        }
        if MOST == 0 {
            return;
        }
        let region = Region::of_run_stack(64 << 10).expect("a stack");
        let (top, entry_return) = (region.top, region.entry_return);
        let header = Header::create(region, start, 0);
        // SAFETY: it lives until the end of the test.
        let this = unsafe { header.as_ref() };
        let address = header.addr().get();
        let (kept, known) = (5, 4);
        this.make_room(&Extent {
            low: top - (kept + known) * size_of::<usize>(),
            grains: kept as u32,
            known: known as u8,
        });
        let mut frames: Vec<usize> = (0..kept).collect();
        // SAFETY: the block has room for that.
        unsafe { ptr::copy_nonoverlapping(frames.as_ptr(), this.block().cast(), kept) };
        frames.extend([address, address, address, entry_return]);
        this.begin(Mode::Below);
        // SAFETY: it has begun.
        unsafe { this.end() };
        for first in 0..frames.len() {
            for end in first..=frames.len() {
                let mut value = vec![0_usize; end - first];
                let from = this.low() + first * size_of::<usize>();
                let bytes = size_of_val(&value[..]);
                // SAFETY: the value was there, as far as the header knows.
                unsafe {
                    this.fetch_yield(
                        ptr::without_provenance(from),
                        value.as_mut_ptr().cast(),
                        bytes,
                    );
                }
                assert_eq!(value, frames[first..end]);
            }
        }
        // SAFETY: nothing refers to it any more.
        unsafe { Header::release(header) };
    }

    /// The words are where they are said to be: the root, and the compiler, put them there.
    #[test]
    fn a_coroutine_has_known_words() {
        // SAFETY: numbers come in and go out, and no addresses; it has no destructors.
        let mut coroutine = unsafe {
            DynamicCoroutine::new(|handle, mut n: usize| {
                loop {
                    n = handle.suspend(n);
                }
                #[allow(unreachable_code, reason = "the type of what it would return")]
                ()
            })
        };
        for n in 0..3 {
            assert_eq!(coroutine.resume(n).yielded(), Some(n));
        }
        let known = coroutine.known_words();
        if MOST == 0 || sure_stack::internal::is_memcheck() {
            assert_eq!(known, 0);
        } else {
            // Without optimisation the entry is a small function that saves nothing.
            let least = if cfg!(debug_assertions) { 1 } else { 2 };
            assert!((least..=MOST).contains(&known), "{known}");
        }
    }
}
