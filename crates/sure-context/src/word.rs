use crate::fresh;
use core::fmt;
use core::mem::{ManuallyDrop, MaybeUninit, size_of};
use core::ptr;

/// The one machine word that travels with a switch, in a register.
///
/// It may hold a pointer (with its provenance), a number, or any value of at
/// most a word, padding included; or nothing at all. What it holds is agreed
/// on by the two sides, so reading it is `unsafe`.
///
/// # Values of any size
/// [`send`](Word::send) and [`receive`](Word::receive) move a value across a
/// switch. A value of at most a word travels in the register. A larger one stays
/// where it is, on the stack that is left, and its address travels: that stack is
/// suspended and cannot change before the receiver has moved the value out, which
/// is the first thing that the receiver does.
///
/// ```
/// use std::mem::ManuallyDrop;
/// use sure_context::Word;
///
/// let mut small = ManuallyDrop::new((7_u8, 300_u16));
/// let mut large = ManuallyDrop::new(String::from("larger than a word"));
/// let (first, second) = (Word::send(&mut small), Word::send(&mut large));
/// // SAFETY: each word is received once, as the type that was sent, and
/// // `small` and `large` are still in place.
/// let (small, large) = unsafe { (first.receive::<(u8, u16)>(), second.receive::<String>()) };
/// assert_eq!((small, large.as_str()), ((7, 300), "larger than a word"));
/// ```
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Word(pub(crate) MaybeUninit<*mut ()>);

impl Word {
    /// No value: the register keeps whatever it holds.
    pub const EMPTY: Word = Word(MaybeUninit::uninit());

    /// Whether a `T` is at most one word large.
    pub const fn fits<T>() -> bool {
        size_of::<T>() <= size_of::<Word>()
    }

    /// A pointer as a word.
    #[inline(always)]
    pub const fn from_ptr<T>(pointer: *mut T) -> Word {
        Word(MaybeUninit::new(pointer.cast()))
    }

    /// A number as a word.
    #[inline(always)]
    pub const fn from_usize(number: usize) -> Word {
        Word(MaybeUninit::new(core::ptr::without_provenance_mut(number)))
    }

    /// The word for a value that the caller gives away.
    ///
    /// The receiver takes it by [`receive`](Word::receive), at most once, while
    /// `value` stays where it is; a value that is not received is leaked.
    #[inline(always)]
    pub fn send<T>(value: &mut ManuallyDrop<T>) -> Word {
        // SAFETY: a reference is valid for reads of what it points to.
        unsafe { Word::send_from(ptr::from_mut(value).cast::<T>()) }
    }

    /// As [`send`](Word::send), from memory that may hold no value yet or no
    /// more, if the receiver knows that and receives none.
    ///
    /// # Safety
    /// `value` is valid for reads of `size_of::<T>()` bytes, of any content.
    #[inline(always)]
    pub unsafe fn send_from<T>(value: *mut T) -> Word {
        if !Word::fits::<T>() {
            return Word::from_ptr(value);
        }
        let mut word = MaybeUninit::<Word>::uninit();
        // SAFETY: the source may be read (the caller's promise), the destination
        // is a local that is not smaller, and the two do not overlap. Any bytes,
        // uninitialised ones too, are a valid `Word`.
        unsafe {
            let bytes = word.as_mut_ptr().cast::<u8>();
            ptr::copy_nonoverlapping(value.cast::<u8>(), bytes, size_of::<T>());
            word.assume_init()
        }
    }

    /// The value that the other side has sent.
    ///
    /// # Safety
    /// 1. The word was made by [`send`](Word::send) or [`send_from`](Word::send_from)
    ///    for this `T`, from memory that held a value.
    /// 2. It is received at most once, unless `T` is [`Copy`].
    /// 3. The sender's value is still where it was.
    #[inline(always)]
    pub unsafe fn receive<T>(self) -> T {
        if Word::fits::<T>() {
            // SAFETY: the first bytes of the word are those of a `T` (1), which
            // the caller alone owns from now on (2).
            unsafe { (&raw const self).cast::<T>().read_unaligned() }
        } else {
            // SAFETY: the word is the address of a `T` (1) in place (3), which
            // the caller alone owns from now on (2).
            unsafe { self.as_ptr::<T>().read() }
        }
    }

    /// As [`receive`](Word::receive), for a receiver that does not look at the fields of a large value at once, but
    /// keeps it as a whole: a coroutine in its frame, say.
    ///
    /// On x86-64 a value of 33 to 128 bytes that was written field by field just before the switch then need not
    /// reach the cache first, which costs about 5 ns.
    ///
    /// # Safety
    /// As for [`receive`](Word::receive).
    #[inline(always)]
    pub unsafe fn receive_whole<T>(self) -> T {
        if Word::fits::<T>() {
            // SAFETY: the caller's promise is the same.
            return unsafe { self.receive() };
        }
        // SAFETY: the word is the address of a `T` (1) in place (3), which the caller alone owns from now on (2).
        unsafe { fresh::read(self.as_ptr::<T>()) }
    }

    /// As [`receive`](Word::receive), where the sender's frames may have moved:
    /// `fetch(from, to, bytes)` copies the bytes that stood at `from` when the
    /// word was sent. It is called at most once, and only for a `T` larger than a word.
    ///
    /// # Safety
    /// 1. The word was made by [`send`](Word::send) or [`send_from`](Word::send_from)
    ///    for this `T`, from memory that held a value.
    /// 2. It is received at most once, unless `T` is [`Copy`].
    /// 3. `fetch` writes those `bytes` bytes to `to`.
    #[inline(always)]
    pub unsafe fn receive_by<T>(self, fetch: impl FnOnce(*const u8, *mut u8, usize)) -> T {
        if Word::fits::<T>() {
            // SAFETY: (1) and (2); a value that fits stands nowhere but in the word.
            return unsafe { self.receive() };
        }
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: the word is the address of a `T` (1), whose bytes `fetch` has
        // written (3), and which the caller alone owns from now on (2).
        unsafe {
            let to = value.as_mut_ptr().cast::<u8>();
            fetch(self.as_ptr::<u8>(), to, size_of::<T>());
            value.assume_init()
        }
    }

    /// The word as a pointer.
    ///
    /// # Safety
    /// The word was made by [`from_ptr`](Word::from_ptr), [`from_usize`](Word::from_usize),
    /// or from a value that has no padding and fills the word.
    #[inline(always)]
    pub const unsafe fn as_ptr<T>(self) -> *mut T {
        // SAFETY: all bytes are initialised (the caller's promise).
        unsafe { self.0.assume_init() }.cast()
    }

    /// The word as a number.
    ///
    /// # Safety
    /// As for [`as_ptr`](Word::as_ptr).
    #[inline(always)]
    pub unsafe fn as_usize(self) -> usize {
        // SAFETY: the word was made as `as_ptr` wants it (the caller's promise).
        unsafe { self.as_ptr::<()>() }.addr()
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes may be uninitialised, so they cannot be shown.
        f.write_str("Word(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::Word;
    use core::mem::{ManuallyDrop, MaybeUninit};
    use core::ptr;

    #[test]
    fn what_is_no_larger_than_a_word_is_sent_in_it() {
        assert!(Word::fits::<()>() && Word::fits::<u8>() && Word::fits::<usize>());
        assert!(!Word::fits::<[usize; 2]>());
    }

    /// One value arrives as it was sent, in each way that there is.
    fn there_and_back<T: PartialEq + core::fmt::Debug + Copy>(value: T) {
        let mut sent = ManuallyDrop::new(value);
        let word = Word::send(&mut sent);
        // SAFETY: sent from a `T` just now, which is `Copy` and still in place.
        assert_eq!(unsafe { word.receive::<T>() }, value);
        // SAFETY: the same.
        assert_eq!(unsafe { word.receive_whole::<T>() }, value);
        // SAFETY: sent from a `T`, which is `Copy`; the bytes are where they were, and the
        // closure copies as many as it is asked to.
        let fetched = unsafe {
            word.receive_by::<T>(|from, to, bytes| ptr::copy_nonoverlapping(from, to, bytes))
        };
        assert_eq!(fetched, value);
    }

    #[test]
    fn large_values_keep_their_bytes() {
        there_and_back([usize::MAX, 1]);
        there_and_back([0xA5_u8; 1000]);
        there_and_back((1_u8, u128::MAX));
        // All sizes that are read by pieces, with and without a rest.
        there_and_back([0xA5_u8; 32]);
        there_and_back([u32::MAX; 9]);
        there_and_back(core::array::from_fn::<u8, 33, _>(|n| n as u8));
        there_and_back(core::array::from_fn::<u8, 47, _>(|n| n as u8));
        there_and_back(core::array::from_fn::<u8, 48, _>(|n| n as u8));
        there_and_back(core::array::from_fn::<u8, 127, _>(|n| n as u8));
        there_and_back(core::array::from_fn::<u8, 128, _>(|n| n as u8));
        there_and_back(core::array::from_fn::<u8, 129, _>(|n| n as u8));
        there_and_back(("a pointer", [Some(&7_u8); 3], 1.5_f64, 'x'));
    }

    /// A value larger than a word that has moved since is found by `fetch`.
    #[test]
    fn a_value_that_has_moved_is_fetched() {
        let mut sent = ManuallyDrop::new([3_usize, 4, 5]);
        let word = Word::send(&mut sent);
        let moved = core::mem::take(&mut *sent);
        let (mut asked, place) = (0, ptr::from_ref(&sent).addr());
        // SAFETY: sent from this type; `fetch` writes all bytes of the value.
        let received = unsafe {
            word.receive_by::<[usize; 3]>(|from, to, bytes| {
                assert_eq!((from.addr(), bytes), (place, size_of_val(&moved)));
                asked += 1;
                ptr::copy_nonoverlapping((&raw const moved).cast(), to, bytes);
            })
        };
        assert_eq!((received, asked), ([3, 4, 5], 1));
    }

    /// Memory that holds no value may be sent, if the word is not received.
    #[test]
    fn nothing_is_sent_without_being_read_as_a_value() {
        let mut nothing = MaybeUninit::<(u8, bool)>::uninit();
        // SAFETY: the bytes may be read, whatever they hold.
        let _ = unsafe { Word::send_from(nothing.as_mut_ptr()) };
    }

    #[test]
    fn small_values_keep_their_bytes() {
        there_and_back(());
        there_and_back(0xA5_u8);
        there_and_back([1_u8, 2, 3]);
        there_and_back((1_u8, 2_u16));
        there_and_back(-1_isize);
        there_and_back(3.5_f32);
        there_and_back('ß');
        there_and_back(Some(&7_u8));
    }

    #[repr(align(64))]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Aligned;

    #[test]
    fn over_aligned_zero_sized_value() {
        there_and_back(Aligned);
    }

    #[test]
    fn numbers_and_pointers() {
        let word = Word::from_usize(usize::MAX);
        // SAFETY: made from a number.
        assert_eq!(unsafe { word.as_usize() }, usize::MAX);
        let mut x = 5_u8;
        let word = Word::from_ptr(&raw mut x);
        // SAFETY: made from a pointer to `x`, which is alive.
        assert_eq!(unsafe { *word.as_ptr::<u8>() }, 5);
    }
}
